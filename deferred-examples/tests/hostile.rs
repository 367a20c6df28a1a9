//! Servers that mean harm or are broken: each file fails with its cause, or is saved as it should be.

mod common;

use std::fs;
use std::net::TcpListener;
use std::process::Command;

use common::{Scene, program, run};

/// Downloads one path, which must fail saying `why`, and leave nothing.
#[track_caller]
fn assert_refused(options: &[&str], path: &str, why: &str) {
    let scene = Scene::new();
    let options = [&["--retries", "0"], options].concat();
    let run = scene.download(&options, &[path, "/good?size=10"]);
    run.assert_code(1);
    run.assert_failed(&scene.server.url(path), why);
    assert_eq!(scene.visible(), ["good"], "{run}");
}

#[test]
fn a_body_shorter_than_announced_is_refused() {
    assert_refused(&[], "/a?size=1000&length=2000", "less came than was announced");
}

/// What a server that means harm sends behind a body: a response to a request that was not made.
const FORGED: &str = "HTTP/1.1+200+OK%0d%0acontent-length:+4%0d%0a%0d%0aevil";

#[test]
fn a_body_longer_than_announced_is_refused() {
    assert_refused(&[], "/a?size=2000&length=1000", "more came than was announced");
    assert_refused(&[], &format!("/a?size=1000&extra={FORGED}"), "more came than was announced");
}

#[test]
fn what_is_behind_a_body_never_becomes_another_file() {
    let scene = Scene::new();
    let long = format!("/long?size=1000&extra={FORGED}");
    let run = scene.download(&["-j", "1", "--retries", "0"], &[&long, "/b?size=10", &long, "/c?size=20"]);
    run.assert_code(1);
    run.assert_failed("/long", "more came than was announced");
    assert_eq!(scene.names(), ["b", "c"]);
    scene.assert_saved("b", "/b", 10);
    scene.assert_saved("c", "/c", 20);
}

#[test]
fn an_endless_body_is_ended_by_the_timeout() {
    let path = "/endless?size=1000000000000&length=none&step=1000&drip=1";
    assert_refused(&["--timeout", "0.5"], path, "not finished in 0.5 s");
}

#[test]
fn a_slow_drip_is_ended_by_the_timeout_and_not_by_the_idle_one() {
    let options = ["--timeout", "0.6", "--idle-timeout", "0.4"];
    assert_refused(&options, "/drip?size=1000&step=1&drip=50", "not finished in 0.6 s");
}

#[test]
fn a_connection_that_never_comes_is_given_up() {
    // With its queue full, a listener answers no more: a connection then hangs, on Linux.
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).expect("a socket");
    let any: std::net::SocketAddr = "127.0.0.1:0".parse().expect("an address");
    socket.bind(&any.into()).expect("a port");
    socket.listen(0).expect("a listener");
    let listener = TcpListener::from(socket);
    let address = listener.local_addr().expect("its address");
    let filling: Vec<_> =
        (0..4).map(|_| std::net::TcpStream::connect_timeout(&address, std::time::Duration::from_millis(100))).collect();
    if !cfg!(target_os = "linux") || filling.iter().all(Result::is_ok) {
        return;
    }
    let scene = Scene::new();
    let url = format!("http://{address}/a");
    let run = run(scene.command().args(["--retries", "0", "--connect-timeout", "0.3"]).arg(&url));
    run.assert_code(1);
    run.assert_failed(&url, "no connection in 0.3 s");
}

#[test]
fn a_redirect_is_followed_and_the_name_stays() {
    let scene = Scene::new();
    let path = "/old?status=302&fields=location:+/new%3Fsize%3D50";
    scene.download(&[], &[path]).assert_code(0);
    assert_eq!(scene.names(), ["old"]);
    scene.assert_saved("old", "/new", 50);
}

#[test]
fn a_redirect_to_itself_ends() {
    let scene = Scene::new();
    // The empty reference is the same document, query and all.
    let path = "/loop?status=302&fields=location:+%23again";
    let run = scene.download(&[], &[path]);
    run.assert_code(1);
    run.assert_failed("/loop", "more than 10 redirects");
    assert_eq!(scene.server.requests_for("/loop"), 11);
}

#[test]
fn a_redirect_to_another_scheme_is_refused() {
    for target in ["file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1/x"] {
        let path = format!("/away?status=302&fields=location:+{target}");
        assert_refused(&[], &path, "the server redirects to another scheme");
    }
}

#[test]
fn a_redirect_that_does_not_say_where_is_refused() {
    assert_refused(&[], "/lost?status=302", "does not say where");
}

#[test]
fn credentials_go_to_no_other_host() {
    let (scene, other) = (Scene::new(), Scene::new());
    let target = other.server.url("/there?size=5").replace('?', "%3F");
    let path = format!("/here?status=307&fields=location:+{target}");
    let fields = [
        "Authorization: Bearer secret",
        "Proxy-Authorization: Basic hidden",
        "Cookie: a=b",
        "Host: site.example",
        "X-Plain: yes",
    ];
    scene.download(&fields.map(|field| ["-H", field]).concat(), &[&path]).assert_code(0);
    let here = common::last_request(&scene.server, "/here");
    let there = common::last_request(&other.server, "/there");
    assert!(here.contains("authorization:bearer secret") && here.contains("cookie:a=b"), "{here}");
    assert!(here.contains("proxy-authorization:basic hidden") && !there.contains("proxy-authorization"), "{there}");
    assert!(!there.contains("secret") && !there.contains("a=b"), "{there}");
    assert!(here.contains("host:site.example") && !there.contains("site.example"), "{there}");
    assert!(here.contains("x-plain:yes") && there.contains("x-plain:yes"), "{there}");
}

#[test]
fn credentials_in_the_url_go_to_no_other_host_and_are_not_shown() {
    let (scene, other) = (Scene::new(), Scene::new());
    let target = other.server.url("/there?size=5").replace('?', "%3F");
    let url = scene.server.url(&format!("/here?status=307&fields=location:+{target}"));
    let run = run(scene.command().arg(url.replacen("http://", "http://me:secret@", 1)));
    run.assert_code(0);
    let here = common::last_request(&scene.server, "/here");
    let there = common::last_request(&other.server, "/there");
    assert!(here.contains("authorization:basic bwu6c2vjcmv0"), "{here}");
    assert!(!there.contains("authorization"), "{there}");
    assert!(!run.to_string().contains("secret"), "{run}");
}

#[test]
fn odd_answers_fail_alone_and_the_client_stays_usable() {
    let scene = Scene::new();
    let odd = [
        ("/520?status=520", "the server answered 520"),
        ("/599?status=599", "the server answered 599"),
        ("/giant?size=5&giant=1000000", "too large"),
        ("/204?status=204", "the server answered 204"),
        ("/nonsense?size=5&fields=content-length:+x", ""),
    ];
    let paths: Vec<&str> = odd.iter().map(|(path, _)| *path).chain(["/good?size=10"]).collect();
    let run = scene.download(&["-j", "1", "--retries", "0"], &paths);
    run.assert_code(1);
    for (path, why) in odd {
        run.assert_failed(path, why);
    }
    assert_eq!(scene.names(), ["good"]);
    assert!(!run.stderr.contains("panicked"), "{run}");
}

#[test]
fn header_fields_beyond_ascii_are_understood() {
    let scene = Scene::new();
    let utf8 = "/a?size=5&fields=content-disposition:+attachment;filename%3D%22na%C3%AFve%22";
    let latin = "/b?size=5&fields=x:+%E9";
    scene.download(&["--name-from", "header"], &[utf8, latin]).assert_code(0);
    assert_eq!(scene.names(), ["b", "na\u{ef}ve"]);
}

#[test]
fn a_gzip_body_is_unwrapped() {
    let scene = Scene::new();
    scene.download(&[], &["/a.txt?size=100000&gzip"]).assert_code(0);
    scene.assert_saved("a.txt", "/a.txt", 100_000);
}

#[test]
fn a_part_that_nobody_asked_for_is_refused() {
    assert_refused(&[], "/part?status=206", "the server sent a part and was asked for all");
}

#[test]
fn names_from_urls_stay_in_the_directory() {
    let scene = Scene::new();
    let paths = [
        "/..%2f..%2fevil1?size=1",
        "/a/..%5c..%5cevil2?size=1",
        "/%2fetc%2fevil3?size=1",
        "/%2e%2e%2f?size=1",
        "/.bashrc?size=1",
        "/-rf?size=1",
        "/a%00b%0ac?size=1",
        "/CON.txt?size=1",
    ];
    scene.download(&[], &paths).assert_code(0);
    let names = ["_CON.txt", "_rf", "abc", "bashrc", "evil1", "evil2", "evil3", "index.html"];
    assert_eq!(scene.names(), names);
}

#[test]
fn names_from_headers_stay_in_the_directory() {
    let scene = Scene::new();
    let field = |name: &str, value: &str| {
        format!("/{name}?size=1&fields=content-disposition:+attachment;{}", value.replace('=', "%3D"))
    };
    let paths = [
        field("a", "filename=\"../../evil\""),
        field("b", "filename*=UTF-8''..%252f..%252fworse"),
        field("c", "filename=\"C:\\\\windows\\\\bad\""),
        field("d", "x=y"),
        field("e", "filename=\"\""),
    ];
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    scene.download(&["-j", "1", "--name-from", "header"], &paths).assert_code(0);
    assert_eq!(scene.names(), ["bad", "d", "evil", "index.html", "worse"]);
}

#[test]
fn a_long_name_is_shortened() {
    let scene = Scene::new();
    let path = format!("/{}.tar?size=1", "x".repeat(2000));
    scene.download(&[], &[&path]).assert_code(0);
    let names = scene.names();
    assert!(names[0].len() <= 200 && names[0].ends_with("x.tar"), "{names:?}");
}

#[cfg(unix)]
#[test]
fn links_in_the_directory_are_not_followed_out_of_it() {
    for collision in ["number", "overwrite"] {
        for resume in [&[][..], &["--resume"]] {
            let scene = Scene::new();
            let elsewhere = scene.outside().join("elsewhere");
            fs::write(&elsewhere, "precious").expect("a file outside");
            fs::create_dir(scene.output()).expect("the output directory");
            let link = |name: &str| {
                let path = scene.output().join(name);
                // One may be there that is not a link.
                let _ = fs::remove_file(&path);
                std::os::unix::fs::symlink(&elsewhere, path).expect("a link");
            };
            for name in ["a", ".a.part", ".a.part.note", ".b.part", ".b.part.note", ".c.part"] {
                link(name);
            }
            let options = [&["--retries", "0", "--on-collision", collision], resume].concat();
            let cut = "/c?size=2000000&cut=1500000&once";
            scene.download(&options, &["/a?size=2000000", "/b?size=2000000", cut]).assert_code(1);
            assert_eq!(fs::read(&elsewhere).expect("the file outside"), b"precious");
            // A part whose note is right, and which is a link.
            assert_eq!(scene.names().iter().filter(|name| name.starts_with(".c.part")).count(), 2);
            link(".c.part");
            scene.download(&options, &[cut]).assert_code(0);
            assert_eq!(fs::read(&elsewhere).expect("the file outside"), b"precious");
            scene.assert_saved("c", "/c", 2_000_000);
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn too_few_file_descriptors_are_named_and_nothing_hangs() {
    let scene = Scene::new();
    let urls: Vec<String> =
        (0..60).map(|n| format!("'{}'", scene.server.url(&format!("/{n}?size=1000&delay=300")))).collect();
    let script = format!(
        "ulimit -n 40; exec {} -j 60 --retries 0 -o {} {}",
        program().display(),
        scene.output().display(),
        urls.join(" ")
    );
    let run = run(Command::new("sh").args(["-c", &script]));
    run.assert_code(1);
    let saved = scene.visible().len();
    let failed: Vec<_> = run.stdout.lines().filter(|line| line.starts_with("failed")).collect();
    assert_eq!(saved + failed.len(), 60, "{run}");
    assert!(failed.iter().all(|line| line.contains("Too many open files")), "{run}");
}

/// With two sockets and a file for each, these are more descriptors than `select` knows.
#[cfg(target_os = "linux")]
#[test]
fn as_many_at_once_as_are_allowed() {
    let scene = Scene::new();
    let paths: Vec<String> = (0..500).map(|n| format!("/{n}?size=10&delay=500")).collect();
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    scene.download(&["-q", "-j", "500", "--retries", "0"], &paths).assert_code(0);
    assert_eq!(scene.names().len(), 500);
}
