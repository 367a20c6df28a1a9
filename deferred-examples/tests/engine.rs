//! The engine alone: a client that answers when the test says so, a clock that goes when the test says
//! so, and an executor that runs when the test says so. Nothing here takes time.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use deferred_core::{Deferred, FailureKind, ManualClock, Resolver};
use deferred_examples::fetch::{Fetch, FetchError, Headers, Request, Response};
use deferred_examples::{
    Collision, DownloadError, Downloader, Event, Folder, How, Job, Observer, Retry, Saved, Settings,
};
use futures_lite::io::{AsyncBufRead, AsyncRead};
use tempfile::TempDir;

/// A request that waits for its answer.
type Asked = (Request, Resolver<Response<Body>, FetchError>);

/// A client whose requests pile up until the test answers them.
#[derive(Clone, Default)]
struct Client(Arc<Mutex<Vec<Asked>>>);

/// A body: bytes that are there, and perhaps silence after them.
struct Body {
    /// What is there.
    bytes: io::Cursor<Vec<u8>>,
    /// Whether it never ends.
    silent: bool,
}

impl AsyncRead for Body {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        match io::Read::read(&mut self.bytes, buffer) {
            Ok(0) if self.silent => Poll::Pending,
            read => Poll::Ready(read),
        }
    }
}

impl AsyncBufRead for Body {
    fn poll_fill_buf(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let this = self.get_mut();
        match io::BufRead::fill_buf(&mut this.bytes) {
            Ok([]) if this.silent => Poll::Pending,
            read => Poll::Ready(read),
        }
    }

    fn consume(mut self: Pin<&mut Self>, amount: usize) {
        io::BufRead::consume(&mut self.bytes, amount);
    }
}

impl Fetch for Client {
    type Body = Body;

    async fn get(&self, request: Request) -> Result<Response<Body>, FetchError> {
        let (resolver, response) = Deferred::new();
        self.0.lock().expect("the requests").push((request, resolver));
        response.await.map_err(|failure| FetchError::transient(format!("{failure:?}")))
    }
}

/// Counts the files that were cancelled.
#[derive(Clone, Default)]
struct Cancelled(Arc<AtomicUsize>);

impl Observer for Cancelled {
    fn observe(&self, _: &Job, event: &Event<'_>) {
        if let Event::Finished(Err(failure)) = event {
            if matches!(failure.kind(), FailureKind::Cancelled) {
                self.0.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

thread_local! {
    /// The tasks of the test on this thread.
    static TASKS: RefCell<Vec<Task>> = const { RefCell::new(Vec::new()) };
}

/// Takes a task over.
fn spawn(task: Task) {
    TASKS.with_borrow_mut(|tasks| tasks.push(task));
}

/// A downloader and all that it stands on.
struct Scene {
    client: Client,
    clock: ManualClock,
    downloader: Downloader<Client>,
    cancelled: Cancelled,
    output: TempDir,
}

impl Scene {
    fn new(settings: Settings) -> Self {
        Self::within(tempfile::tempdir().expect("a directory"), settings)
    }

    /// Another run into the same directory.
    fn again(self, settings: Settings) -> Self {
        Self::within(self.output, settings)
    }

    fn within(output: TempDir, settings: Settings) -> Self {
        let (client, clock, cancelled) = (Client::default(), ManualClock::new(), Cancelled::default());
        let folder = Folder::new(output.path(), Collision::Number);
        let downloader = Downloader::new(client.clone(), settings, folder, cancelled.clone(), spawn, clock.clone());
        Self { client, clock, downloader, cancelled, output }
    }

    /// Begins a download.
    fn download(&self, name: &str) -> Deferred<Saved, DownloadError> {
        let job = Job { index: 0, text: format!("http://host/{name}"), checksum: None };
        let file = self.downloader.download(job);
        self.settle();
        file
    }

    /// Polls every task until none can go on.
    fn settle(&self) {
        let mut cx = Context::from_waker(Waker::noop());
        for _ in 0..8 {
            let mut tasks = TASKS.take();
            tasks.retain_mut(|task| task.as_mut().poll(&mut cx).is_pending());
            TASKS.with_borrow_mut(|new| drop(new.splice(0..0, tasks)));
        }
    }

    /// Lets time go by.
    fn advance(&self, seconds: f64) {
        self.clock.advance(Duration::from_secs_f64(seconds));
        self.settle();
    }

    /// The paths of the requests that wait.
    fn asked(&self) -> Vec<String> {
        let requests = self.client.0.lock().expect("the requests");
        let waiting = requests.iter().filter(|(_, resolver)| !resolver.is_cancelled());
        waiting.map(|(request, _)| request.url.path().to_owned()).collect()
    }

    /// Answers the request for a path.
    #[track_caller]
    fn answer(&self, path: &str, status: u16, bytes: &[u8], silent: bool) {
        self.answer_with(&[], path, status, bytes, silent);
    }

    /// Answers the request for a path, with header fields; returns the names of those of the request.
    #[track_caller]
    fn answer_with(&self, fields: &[(&str, &str)], path: &str, status: u16, bytes: &[u8], silent: bool) -> Vec<String> {
        let mut requests = self.client.0.lock().expect("the requests");
        let at = requests.iter().position(|(asked, _)| asked.url.path() == path).expect("a request");
        let (request, resolver) = requests.remove(at);
        drop(requests);
        let headers: Headers = fields.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let body = Body { bytes: io::Cursor::new(bytes.to_vec()), silent };
        let answered = resolver.callback(Response { status, headers, body });
        assert!(answered.is_ok(), "nobody waits for {path} any more");
        self.settle();
        request.headers.into_iter().map(|(name, _)| name).collect()
    }

    /// The names in the output directory.
    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.output.path()).expect("the directory");
        let names = entries.map(|entry| entry.expect("an entry").file_name());
        let mut names: Vec<_> = names.map(|name| name.to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

/// The error a download failed with.
#[track_caller]
fn error(file: &mut Deferred<Saved, DownloadError>) -> DownloadError {
    match file.try_take().expect("an outcome").expect_err("a failure").into_kind() {
        FailureKind::Error(error) => error,
        other => panic!("another failure: {other:?}"),
    }
}

#[test]
fn slots_go_round_in_order() {
    let scene = Scene::new(Settings::default());
    let mut files: Vec<_> = ["a", "b", "c", "d"].iter().map(|name| scene.download(name)).collect();
    assert_eq!(scene.asked(), ["/a", "/b"]);
    scene.answer("/b", 200, b"two", false);
    assert_eq!(scene.asked(), ["/a", "/c"]);
    scene.answer("/a", 404, b"", false);
    assert_eq!(scene.asked(), ["/c", "/d"]);
    assert_eq!(scene.names(), ["b"]);
    let saved = files[1].try_take().expect("an outcome").expect("a file");
    assert_eq!((saved.bytes, std::fs::read(saved.path).expect("the file")), (3, b"two".to_vec()));
    assert!(matches!(error(&mut files[0]), DownloadError::Status { status: 404, .. }));
}

#[test]
fn a_dropped_download_gives_up_its_slot_or_its_place_in_the_queue() {
    let scene = Scene::new(Settings::default());
    let running = scene.download("running");
    let _other = scene.download("other");
    let waiting = scene.download("waiting");
    let _last = scene.download("last");
    drop(waiting);
    scene.settle();
    assert_eq!(scene.asked(), ["/running", "/other"]);
    drop(running);
    scene.settle();
    assert_eq!(scene.asked(), ["/other", "/last"]);
}

#[test]
fn a_cancelled_download_leaves_nothing_that_cannot_be_continued() {
    let scene = Scene::new(Settings::default());
    let mut file = scene.download("a");
    scene.answer("/a", 200, b"some", true);
    assert_eq!(scene.names(), [".a.part"]);
    file.handle().cancel();
    scene.settle();
    assert!(scene.names().is_empty());
    let failure = file.try_take().expect("an outcome").expect_err("a failure");
    assert!(matches!(failure.kind(), FailureKind::Cancelled));
    assert_eq!(scene.clock.pending(), 0);
}

#[test]
fn a_try_that_takes_too_long_frees_its_slot() {
    let settings = Settings { timeout: Some(Duration::from_secs(10)), ..Settings::default() };
    let scene = Scene::new(settings);
    let mut files: Vec<_> = ["a", "b", "c"].iter().map(|name| scene.download(name)).collect();
    scene.advance(9.9);
    assert_eq!(scene.asked(), ["/a", "/b"]);
    scene.advance(0.2);
    assert_eq!(scene.asked(), ["/c"]);
    assert!(matches!(error(&mut files[0]), DownloadError::TimedOut(_)));
}

#[test]
fn a_retry_waits_without_a_slot() {
    let retry = Retry { retries: 1, base: Duration::from_secs(4) };
    let scene = Scene::new(Settings { retry, ..Settings::default() });
    let mut files: Vec<_> = ["a", "b", "c"].iter().map(|name| scene.download(name)).collect();
    scene.answer("/a", 503, b"", false);
    assert_eq!(scene.asked(), ["/b", "/c"]);
    // The pause is between two and four seconds; then it waits for a slot like everybody.
    scene.advance(1.9);
    scene.answer("/b", 200, b"", false);
    assert_eq!(scene.asked(), ["/c"]);
    scene.advance(2.2);
    assert_eq!(scene.asked(), ["/c", "/a"]);
    scene.answer("/a", 503, b"", false);
    assert!(matches!(error(&mut files[0]), DownloadError::Status { status: 503, .. }));
}

#[test]
fn a_second_try_continues_no_part_of_an_earlier_run_unless_asked_to() {
    for resume in [false, true] {
        let settings =
            Settings { resume, retry: Retry { retries: 1, base: Duration::from_secs(1) }, ..Settings::default() };
        let scene = Scene::new(settings.clone());
        let interrupted = scene.download("a");
        let edition = [("etag", "\"1\"")];
        scene.answer_with(&edition, "/a", 200, b"old ", true);
        drop(interrupted);
        scene.settle();
        assert_eq!(scene.names(), [".a.part", ".a.part.note"]);

        let scene = scene.again(settings);
        let mut file = scene.download("a");
        scene.answer("/a", 503, b"", false);
        scene.advance(1.1);
        let (status, range) = if resume { (206, "bytes 4-6/7") } else { (200, "") };
        let fields = [edition[0], ("content-range", range)];
        let asked = scene.answer_with(&fields, "/a", status, b"new", false);
        assert_eq!(asked.contains(&"range".to_owned()), resume, "{asked:?}");
        let saved = file.try_take().expect("an outcome").expect("a file");
        assert_eq!(saved.how, if resume { How::Resumed(4) } else { How::Downloaded });
        assert_eq!(std::fs::read(saved.path).expect("the file"), if resume { &b"old new"[..] } else { b"new" });
    }
}

#[test]
fn files_on_their_way_to_a_worker_are_cancelled_with_the_others() {
    let scene = Scene::new(Settings::default());
    // A list of so many files, which does not end.
    const FILES: usize = 40;
    let ((begin, begun), (end, ended)) = (mpsc::channel::<()>(), mpsc::channel::<()>());
    let (read, all_read) = mpsc::channel();
    let list = (0..).map(move |index| {
        begun.recv().unwrap_or_default();
        if index == FILES {
            read.send(()).unwrap_or_default();
            ended.recv().unwrap_or_default();
        }
        Job { index, text: format!("http://host/{index}"), checksum: None }
    });
    let mut fleet = scene.downloader.download_all(list).expect("a thread");
    // Each worker waits for a file, and gets one at which it has not looked yet.
    let mut tasks = TASKS.take();
    tasks.retain_mut(|task| task.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    drop(begin);
    all_read.recv_timeout(Duration::from_secs(30)).expect("the list is read");
    fleet.handle().cancel();
    futures_lite::future::block_on(fleet.finished());
    drop(tasks);
    assert_eq!(scene.cancelled.0.load(Ordering::Relaxed), FILES);
    drop(end);
}

#[test]
fn a_list_is_read_no_further_once_its_files_are_cancelled() {
    /// Tells the test of each wake.
    struct Bell(mpsc::Sender<()>);

    impl Wake for Bell {
        fn wake(self: Arc<Self>) {
            let _ = self.0.send(());
        }
    }

    let scene = Scene::new(Settings::default());
    // The list begins when the test says so, and is dropped when nobody reads it any more.
    let ((begin, begun), (kept, reading)) = (mpsc::channel::<()>(), mpsc::channel::<()>());
    let endless = (0..).map(move |index| {
        let _in_the_list = &kept;
        begun.recv().unwrap_or_default();
        Job { index, text: format!("http://host/{index}"), checksum: None }
    });
    let mut fleet = scene.downloader.download_all(endless).expect("a thread");
    let (ring, rung) = mpsc::channel();
    let waker = Waker::from(Arc::new(Bell(ring)));
    let mut tasks = TASKS.take();
    tasks.retain_mut(|task| task.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());

    // As many files as there is room for are on their way to those who wait, who have not looked yet.
    drop(begin);
    for _ in 0..64 {
        rung.recv_timeout(Duration::from_secs(30)).expect("somebody gets a file");
    }
    fleet.handle().cancel();
    futures_lite::future::block_on(fleet.finished());
    // Their shares of the room are kept until the workers go.
    assert_eq!(reading.recv_timeout(Duration::from_secs(30)), Err(mpsc::RecvTimeoutError::Disconnected));
    drop(tasks);
}
