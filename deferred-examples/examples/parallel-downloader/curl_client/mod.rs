//! A backend for surf: libcurl, and a thread that drives all of its transfers and runs tasks beside them.
//!
//! surf's own backend on libcurl reads 16 KiB at a time, sends a datagram to itself whenever a body
//! goes on, and panics on answers that are merely odd.
//! This one hands over what has come in as few steps as possible, and passes on what the server said.

mod behind;
mod pipe;
#[cfg(target_os = "linux")]
mod sockets;
mod transfer;
mod trouble;

use std::collections::HashMap;
use std::future::poll_fn;
use std::io;
use std::mem;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::task::{Context, Poll, Wake, Waker, ready};
use std::thread;
use std::time::{Duration, Instant};

use async_executor::Executor;
use curl::easy::{Easy2, List};
use curl::multi::{Easy2Handle, Multi, MultiWaker};
use futures_lite::future::yield_now;
use futures_lite::io::{AsyncBufRead, AsyncRead};
use http_client::{HttpClient, async_trait};
use surf::http::{Request, Response};
use surf::{Body, Error, StatusCode};

use pipe::{CHUNK, Found, Pipe};
use transfer::{Transfer, tell_readers};

pub(crate) use pipe::Head;
pub(crate) use trouble::Trouble;

/// The longest that the thread sleeps; libcurl wakes it whenever there is something to do.
const LONG: Duration = Duration::from_secs(3600);

/// How often it looks if libcurl cannot wait.
const SHORT: Duration = Duration::from_millis(10);

/// The most transfers at once, and the most connections, idle ones with them: libcurl waits with `select`, which knows
/// 1024 descriptors, and each file that is saved takes another.
pub(crate) const MOST_TRANSFERS: usize = 500;

/// How many tasks run at most before libcurl has its turn.
const ROUNDS: u32 = 16;

/// No other task runs before libcurl's turn once tasks have taken so long: one that had to wait for what libcurl
/// holds back would take the server for idle.
const TURN: Duration = Duration::from_millis(5);

/// libcurl with a thread of its own.
#[derive(Debug)]
pub(crate) struct CurlClient {
    /// Where the thread gets its orders.
    desk: Arc<Desk>,
    /// How long it waits for a connection.
    connect_timeout: Duration,
    /// The name of the next transfer.
    next: AtomicUsize,
}

/// Where orders for the thread lie.
#[derive(Debug)]
struct Desk {
    /// What is asked for.
    orders: Mutex<Orders>,
    /// Wakes the thread where it sleeps in libcurl.
    waker: MultiWaker,
}

/// What is asked for.
#[derive(Debug, Default)]
struct Orders {
    /// In the order in which it was.
    list: Vec<Order>,
    /// Set if a task may have become ready since the thread last looked.
    rung: bool,
    /// Set while the thread sleeps or is about to.
    asleep: bool,
}

/// Something for the thread to do.
#[derive(Debug)]
enum Order {
    /// Begin a transfer.
    Begin(usize, Easy2<Transfer>),
    /// Go on with one that was paused.
    GoOn(usize),
    /// Forget one that nobody waits for any more.
    Forget(usize),
    /// Come to an end.
    Close,
}

/// Tasks for the thread: there they ask and are answered without another thread that has to wake up.
static TASKS: Executor<'static> = Executor::new();

/// Starts a task on the thread, which runs it as long as there is a client: one that is still to be done must hold it.
pub(crate) fn spawn(task: Pin<Box<dyn Future<Output = ()> + Send>>) {
    TASKS.spawn(task).detach();
}

/// Prepares the process; to be called before it has another thread.
pub(crate) fn prepare() {
    curl::init();
    sockets::allow_many();
}

impl CurlClient {
    /// Starts the thread; a connection may take as long as `connect_timeout`.
    pub(crate) fn new(connect_timeout: Duration) -> io::Result<Self> {
        let (ready, started) = mpsc::channel();
        thread::Builder::new().name("curl".into()).spawn(move || {
            let mut multi = Multi::new();
            // A number stored in the handle, which cannot fail.
            let _ = multi.set_max_total_connections(MOST_TRANSFERS);
            let desk = Arc::new(Desk { orders: Mutex::default(), waker: multi.waker() });
            if ready.send(Arc::clone(&desk)).is_ok() {
                work(&multi, &desk);
            }
        })?;
        let desk = started.recv().map_err(io::Error::other)?;
        Ok(Self { desk, connect_timeout, next: AtomicUsize::new(0) })
    }

    /// A transfer of what is asked for into `pipe`.
    fn transfer(&self, request: &Request, pipe: Arc<Pipe>) -> Result<Easy2<Transfer>, curl::Error> {
        let mut fields = List::new();
        for (name, values) in request.iter() {
            for value in values {
                // To libcurl, a field without a value is one to leave out, unless it is written so.
                let field = match value.as_str() {
                    "" => format!("{name};"),
                    value => format!("{name}: {value}"),
                };
                fields.append(&field)?;
            }
        }
        let mut easy = Easy2::new(Transfer::new(request.url(), pipe));
        easy.url(request.url().as_str())?;
        easy.http_headers(fields)?;
        // A body may come packed although nobody asked for that.
        easy.accept_encoding("")?;
        easy.buffer_size(CHUNK)?;
        easy.connect_timeout(self.connect_timeout)?;
        easy.verbose(true)?;
        easy.signal(false)?;
        Ok(easy)
    }
}

#[async_trait]
impl HttpClient for CurlClient {
    /// Sends a request without a body.
    ///
    /// What came is an extension of the response, its [`Head`]: surf's own types know neither all
    /// status codes nor bytes beyond ASCII.
    async fn send(&self, request: Request) -> Result<Response, Error> {
        let pipe = Arc::new(Pipe::default());
        let trouble = |trouble| Error::new(StatusCode::BadGateway, trouble);
        let easy = self.transfer(&request, Arc::clone(&pipe)).map_err(|error| trouble(Trouble::new(&error, None)))?;
        let token = self.next.fetch_add(1, Ordering::Relaxed);
        // Dropped whenever nobody waits any more, it takes the transfer along.
        let reader = Reader { pipe, token, desk: Arc::clone(&self.desk), chunk: Vec::new(), at: 0 };
        self.desk.order(Order::Begin(token, easy));
        let head = poll_fn(|cx| reader.pipe.poll_head(cx)).await.map_err(trouble)?;
        let mut response = Response::new(StatusCode::try_from(head.status).unwrap_or(StatusCode::BadGateway));
        response.ext_mut().insert(head);
        response.set_body(Body::from_reader(reader, None));
        Ok(response)
    }
}

impl Drop for CurlClient {
    fn drop(&mut self) {
        self.desk.order(Order::Close);
    }
}

impl Desk {
    /// Puts an order on the desk, and wakes the thread if it sleeps.
    fn order(&self, order: Order) {
        self.put(|orders| orders.list.push(order));
    }

    /// Puts something on the desk, and wakes the thread if it sleeps.
    fn put(&self, put: impl FnOnce(&mut Orders)) {
        let mut orders = self.orders();
        put(&mut orders);
        let asleep = mem::take(&mut orders.asleep);
        drop(orders);
        if asleep {
            // A thread that has ended needs no waking.
            let _ = self.waker.wakeup();
        }
    }

    /// Takes all orders; the thread is awake.
    fn take(&self) -> Vec<Order> {
        let mut orders = self.orders();
        orders.asleep = false;
        mem::take(&mut orders.list)
    }

    /// Returns whether there may be another task to run, from now on only if that is said again, and whether there are
    /// orders.
    fn hear(&self) -> (bool, bool) {
        let mut orders = self.orders();
        (mem::take(&mut orders.rung), !orders.list.is_empty())
    }

    /// Returns true if the thread may go to sleep: there is nothing to do, and what comes will wake it.
    fn may_sleep(&self) -> bool {
        let mut orders = self.orders();
        orders.asleep = orders.list.is_empty() && !orders.rung;
        orders.asleep
    }

    /// Locks the orders, in which a panic leaves nothing half done.
    fn orders(&self) -> MutexGuard<'_, Orders> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Desk {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.put(|orders| orders.rung = true);
    }
}

/// The transfers under way, by their names.
type Transfers = HashMap<usize, Easy2Handle<Transfer>>;

/// What the thread does until it is told to end: it has libcurl go on with transfers, and runs tasks.
fn work(multi: &Multi, desk: &Arc<Desk>) {
    let mut transfers = Transfers::new();
    let waker = Waker::from(Arc::clone(desk));
    let mut cx = Context::from_waker(&waker);
    let mut tasks = pin!(async {
        loop {
            TASKS.tick().await;
            yield_now().await;
        }
    });
    loop {
        for order in desk.take() {
            match order {
                Order::Begin(token, easy) => begin(multi, &mut transfers, token, easy),
                Order::GoOn(token) => {
                    if let Some(transfer) = transfers.get(&token) {
                        // A failure comes again as that of the transfer.
                        let _ = transfer.unpause_write();
                    }
                }
                Order::Forget(token) => {
                    if let Some(transfer) = transfers.remove(&token) {
                        let port = known(transfer.local_port());
                        drop(transfer);
                        sockets::release(port);
                    }
                }
                Order::Close => return,
            }
        }
        // What fails here is told by the transfers that it concerns.
        let _ = multi.perform();
        for transfer in transfers.values_mut().filter(|transfer| transfer.get_ref().has_no_port()) {
            let port = known(transfer.local_port());
            transfer.get_mut().set_port(port);
        }
        for transfer in transfers.values_mut().filter(|transfer| transfer.get_ref().wants_look()) {
            let is_excess = behind::is_excess(transfer);
            transfer.get_mut().set_excess(is_excess);
            let _ = transfer.unpause_write();
        }
        let mut ended = Vec::new();
        multi.messages(|message| ended.extend(message.token().ok().zip(message.result())));
        for (token, result) in ended {
            if result.is_ok() {
                look_behind(&mut transfers, token);
            }
            if let Some(easy) = transfers.remove(&token).and_then(|handle| multi.remove2(handle).ok()) {
                end(easy, result, &transfers);
            }
        }
        tell_readers();
        let turn = Instant::now();
        let mut rounds = 0;
        let is_done = loop {
            // One task a round: what it orders is on its way before the next one writes its file.
            let _: Poll<()> = tasks.as_mut().poll(&mut cx);
            rounds += 1;
            match desk.hear() {
                (false, _) => break true,
                (true, false) if rounds < ROUNDS && turn.elapsed() < TURN => {}
                (true, _) => break false,
            }
        };
        if is_done && desk.may_sleep() {
            if transfers.is_empty() {
                sockets::sweep();
            }
            if multi.poll(&mut [], LONG).is_err() {
                thread::sleep(SHORT);
            }
        }
    }
}

/// Hands a transfer to libcurl.
fn begin(multi: &Multi, transfers: &mut Transfers, token: usize, mut easy: Easy2<Transfer>) {
    let pipe = easy.get_ref().pipe();
    if let Some(origin) = easy.get_ref().origin() {
        if sockets::is_distrusted(origin, &busy(transfers)) {
            // Both are numbers stored in the handle, which cannot fail.
            let _ = easy.fresh_connect(true);
            let _ = easy.forbid_reuse(true);
        }
    }
    match multi.add2(easy) {
        Ok(mut handle) => {
            // So is this.
            let _ = handle.set_token(token);
            transfers.insert(token, handle);
        }
        Err(error) => {
            pipe.end(Err(Trouble::answer(error.description())));
            pipe.wake();
        }
    }
}

/// Looks behind the end of a transfer that went well, where it came unforeseen: the body is empty, or packed.
fn look_behind(transfers: &mut Transfers, token: usize) {
    let Some(transfer) = transfers.get(&token).filter(|transfer| transfer.get_ref().needs_look()) else { return };
    let port = known(transfer.local_port());
    // The connection may already be that of another one too, whose answer is waiting.
    if busy(transfers).iter().filter(|other| **other == port).count() > 1 {
        return;
    }
    if let Some(transfer) = transfers.get_mut(&token) {
        let is_excess = behind::is_excess(transfer);
        transfer.get_mut().set_excess(is_excess);
    }
}

/// Takes note of the end of a transfer.
fn end(mut easy: Easy2<Transfer>, result: Result<(), curl::Error>, others: &Transfers) {
    let port = known(easy.local_port());
    let is_excess = match easy.get_ref().origin() {
        // Where the length was known, this has been looked at in time; and the connection may already
        // be that of another transfer, whose answer is waiting.
        Some(origin) if result.is_ok() && !easy.get_ref().has_looked() && !busy(others).contains(&port) => {
            sockets::is_excess(port, &[], origin) == Some(true)
        }
        _ => false,
    };
    if result.is_err() {
        sockets::release(port);
    }
    let result = result.map_err(|error| Trouble::new(&error, easy.take_error_buf()));
    easy.get_mut().end(result, is_excess);
}

/// The local ports of transfers.
fn busy(transfers: &Transfers) -> Vec<u16> {
    transfers.values().map(|transfer| known(transfer.local_port())).collect()
}

/// A local port, or zero: where there is none yet, libcurl says minus one.
fn known(port: Result<u16, curl::Error>) -> u16 {
    port.ok().filter(|port| *port != u16::MAX).unwrap_or(0)
}

/// Where sockets cannot be watched, libcurl is asked what is behind a body.
#[cfg(not(target_os = "linux"))]
mod sockets {
    pub(super) fn is_excess(_: u16, _: &[curl::multi::Socket], _: &str) -> Option<bool> {
        None
    }

    pub(super) fn is_distrusted(_: &str, _: &[u16]) -> bool {
        false
    }

    pub(super) fn release(_: u16) {}

    pub(super) fn sweep() {}

    pub(super) fn allow_many() {}
}

/// The body of a response.
#[derive(Debug)]
struct Reader {
    /// Where it comes from.
    pipe: Arc<Pipe>,
    /// The name of the transfer.
    token: usize,
    /// For orders.
    desk: Arc<Desk>,
    /// What is being read.
    chunk: Vec<u8>,
    /// How much of it has been.
    at: usize,
}

impl AsyncBufRead for Reader {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let this = self.get_mut();
        if this.at == this.chunk.len() {
            this.chunk.clear();
            this.at = 0;
            match ready!(this.pipe.poll_read(&mut this.chunk, cx)).map_err(io::Error::from)? {
                Found::End => return Poll::Ready(Ok(&[])),
                Found::Bytes(chunk, go_on) => {
                    this.chunk = chunk;
                    if go_on {
                        this.desk.order(Order::GoOn(this.token));
                    }
                }
            }
        }
        Poll::Ready(Ok(&this.chunk[this.at..]))
    }

    fn consume(self: Pin<&mut Self>, amount: usize) {
        let this = self.get_mut();
        this.at = this.chunk.len().min(this.at + amount);
    }
}

impl AsyncRead for Reader {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let available = ready!(self.as_mut().poll_fill_buf(cx))?;
        let n = available.len().min(buffer.len());
        buffer[..n].copy_from_slice(&available[..n]);
        self.consume(n);
        Poll::Ready(Ok(n))
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if !self.pipe.ended() {
            self.desk.order(Order::Forget(self.token));
        }
    }
}
