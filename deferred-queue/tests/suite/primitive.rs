//! A primitive of a user's own: what it granted and nobody took comes back to it.

use std::sync::{Arc, Mutex};

use deferred_core::{Deferred, FailureKind, Primitive, WaitQueue};

/// Keeps what came back.
#[derive(Clone, Default)]
struct Keeper(Back);

impl Primitive<String, String> for Keeper {
    type Request = ();
    type Guarded = ();

    const RECLAIMS: bool = true;

    fn untaken(queue: &WaitQueue<String, String, Self>, value: String) {
        let back = queue.lock().0.clone();
        back.lock().unwrap().push(value);
    }
}

type Queue = WaitQueue<String, String, Keeper>;
type Back = Arc<Mutex<Vec<String>>>;

fn keeper() -> (Queue, Back) {
    let keeper = Keeper::default();
    let back = keeper.0.clone();
    (WaitQueue::new(keeper), back)
}

fn pop(queue: &Queue) -> deferred_core::Resolver<String, String> {
    queue.pop().expect("somebody waits")
}

#[test]
fn a_value_that_nobody_takes_comes_back_once() {
    let (queue, back) = keeper();
    let d = queue.push(());
    pop(&queue).callback("value".to_string()).unwrap();
    assert!(back.lock().unwrap().is_empty());
    drop(d);
    assert_eq!(*back.lock().unwrap(), ["value"]);
}

#[test]
fn a_failure_that_nobody_takes_does_not_come_back_and_is_dropped_once() {
    let (queue, back) = keeper();
    let d = queue.push(());
    pop(&queue).errback("a failure that owns memory".to_string()).unwrap();
    drop(d);
    let mut d = queue.push(());
    pop(&queue).errback("another".to_string()).unwrap();
    let kind = d.try_take().unwrap().unwrap_err().into_kind();
    assert_eq!(kind, FailureKind::Error("another".to_string()));
    assert!(back.lock().unwrap().is_empty());
}

#[test]
fn a_value_that_is_ready_comes_back_in_every_disguise() {
    let (queue, back) = keeper();
    drop(queue.ready("plain".to_string()));
    let mut handled = queue.ready("handled".to_string());
    let handle = handled.handle();
    drop(handled);
    drop(handle);
    let mut paused = queue.ready("paused".to_string());
    let token = paused.pause();
    drop(paused);
    drop(token);
    queue.ready("detached".to_string()).detach();
    assert_eq!(*back.lock().unwrap(), ["plain", "handled", "paused", "detached"]);
}

#[test]
fn a_value_that_is_taken_does_not_come_back() {
    let (queue, back) = keeper();
    let mut handled: Deferred<String, String> = queue.ready("handled".to_string());
    let handle = handled.handle();
    assert_eq!(handled.try_take().unwrap().unwrap(), "handled");
    drop(handled);
    drop(handle);
    drop(queue.ready("attached".to_string()).add_callback(|value| Ok(value.len())));
    let mut attached = queue.ready("handled and attached".to_string());
    let handle = attached.handle();
    assert_eq!(attached.add_callback(|value| Ok(value.len())).wait(), Ok(20));
    drop(handle);
    assert!(back.lock().unwrap().is_empty());
}
