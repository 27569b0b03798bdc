//! Programs that were not written for a test.

use crate::disturbance::undisturbed;
use crate::support::{Scene, blocked_on, command, eventually, unannounced};
use crate::trial::trials;
use libtest_mimic::Trial;
use model::metric::Metric;
use model::profile::thread::Thread;
use nix::sys::signal::Signal;
use std::collections::BTreeSet;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;

pub(crate) fn tests() -> Vec<Trial> {
    trials![
        git_on_this_repository,
        nginx_under_load;
        here:
        python_with_a_thread_pool,
    ]
}

fn python_with_a_thread_pool() {
    const TASKS: u64 = 200;
    let script = &format!(
        "
import time
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(8) as pool:
    print(sum(pool.map(lambda task: time.sleep(0.01) or 1, range({TASKS}))))
"
    );
    undisturbed(|| {
        let outcome = Scene::new().run(&command(&["python3", "-c", script]));
        outcome.assert_complete();
        assert_eq!(outcome.stdout, format!("{TASKS}\n"));
        let threads = &outcome.profile().threads;
        let main = threads.iter().filter(|thread| thread.name.starts_with("python"));
        let pids: BTreeSet<u32> = main.map(|thread| thread.pid).collect();
        let is_worker = |thread: &&Thread| pids.contains(&thread.pid) && thread.pid != thread.tid;
        let workers: Vec<&Thread> = threads.iter().filter(is_worker).collect();
        assert_eq!(workers.len(), 8, "{workers:#?}");
        // The call that sleeps depends on the version.
        let calls = ["clock_nanosleep", "select", "pselect6"];
        let sleeps: u64 = workers.iter().flat_map(|thread| calls.map(|call| blocked_on(thread, call))).sum();
        let hidden: u64 = workers.iter().map(|thread| unannounced(thread)).sum();
        assert!(sleeps <= TASKS, "{sleeps} sleeps");
        // A timer that expires before its thread has left the CPU is no wait.
        match TASKS.saturating_sub(sleeps + hidden) {
            0 => Ok(()),
            short => Err(format!("{short} timers had expired before their thread could wait")),
        }
    });
}

fn git_on_this_repository() {
    let repository = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    for arguments in [["status", "--short"].as_slice(), &["log", "--stat", "--oneline"]] {
        let git = ["git", "-c", "safe.directory=*", "-C", repository, "--no-pager", "--no-optional-locks"];
        let outcome = Scene::new().run(&command(&[&git, arguments].concat()));
        outcome.assert_complete();
        assert!(outcome.named("git").iter().any(|thread| thread.count(Metric::MinorFault) > 0));
    }
}

fn nginx_under_load() {
    let scene = Scene::new();
    // The workers give up root.
    fs::set_permissions(scene.folder(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let port = free_port();
    let configuration = configure(scene.folder(), port);
    // The shell tells that it has started; nginx itself says nothing.
    let start = format!("echo started; exec nginx -c {configuration} -e stderr");
    let run = scene.start(&command(&["sh", "-c", &start]));
    assert_eq!(run.line, "started");
    eventually("nginx listens", || TcpStream::connect(("127.0.0.1", port)).ok());

    let load = Command::new("ab")
        .args(["-k", "-c", "20", "-t", "4", "-n", "10000000"])
        .arg(format!("http://127.0.0.1:{port}/index.html"))
        .output()
        .unwrap();
    let summary = String::from_utf8(load.stdout).unwrap();
    assert!(load.status.success(), "{summary}");
    // To the profiler, which passes it on: nginx finishes what it has begun.
    run.signal(Signal::SIGQUIT);
    let outcome = run.finish();
    outcome.assert_complete();

    assert_eq!(figure(&summary, "Failed requests:"), 0, "{summary}");
    let requests = figure(&summary, "Complete requests:");
    assert!(requests > 1_000, "{summary}");
    let nginx = outcome.named("nginx");
    assert_eq!(nginx.len(), 3, "a master and two workers: {nginx:#?}");
    assert!(nginx.iter().all(|thread| thread.exited));
    let waits: u64 = nginx.iter().map(|thread| blocked_on(thread, "epoll_wait")).sum();
    assert!(waits > 0, "{nginx:#?}");
}

fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

fn configure(folder: &Path, port: u16) -> String {
    let shown = folder.display();
    fs::write(folder.join("index.html"), "hello\n".repeat(1_000)).unwrap();
    let text = format!(
        "daemon off; worker_processes 2; user nobody nogroup; pid {shown}/nginx.pid; error_log stderr;
        events {{ worker_connections 256; }}
        http {{
            access_log off; root {shown};
            client_body_temp_path {shown}/body; proxy_temp_path {shown}/proxy;
            fastcgi_temp_path {shown}/fastcgi; uwsgi_temp_path {shown}/uwsgi; scgi_temp_path {shown}/scgi;
            server {{ listen 127.0.0.1:{port}; }}
        }}"
    );
    let path = folder.join("nginx.conf");
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// The number behind a label in the summary of `ab`.
fn figure(summary: &str, label: &str) -> u64 {
    let line = summary.lines().find_map(|line| line.strip_prefix(label));
    line.and_then(|rest| rest.trim().parse().ok()).unwrap_or_else(|| panic!("no {label} in {summary}"))
}
