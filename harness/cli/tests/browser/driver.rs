//! A headless Chromium that chromedriver holds, over WebDriver (W3C) and, where that has no word, the DevTools protocol.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

/// The name under which WebDriver hands out an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// Keys that have no character (WebDriver, 17.4.2).
pub const TAB: &str = "\u{e004}";
pub const ENTER: &str = "\u{e007}";
pub const LEFT: &str = "\u{e012}";
pub const UP: &str = "\u{e013}";
pub const RIGHT: &str = "\u{e014}";
pub const DOWN: &str = "\u{e015}";

/// A browser with one window.
pub struct Browser {
    driver: Child,
    session: String,
    _profile: tempfile::TempDir,
}

impl Browser {
    /// One with a window of this size.
    pub fn start(width: u32, height: u32) -> Self {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver: install the package chromium-driver, or run ci/test");
        let said = BufReader::new(driver.stdout.take().unwrap()).lines().map_while(Result::ok);
        let started = said.into_iter().find(|line| line.contains("started successfully on port "));
        let started = started.expect("chromedriver did not start");
        let port = started.rsplit(' ').next().unwrap().trim_end_matches('.');
        let profile = tempfile::tempdir().unwrap();
        let mut arguments: Vec<String> = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--hide-scrollbars",
            "--force-device-scale-factor=1",
        ]
        .map(str::to_owned)
        .into();
        arguments.push(format!("--window-size={width},{height}"));
        arguments.push(format!("--user-data-dir={}", profile.path().display()));
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "goog:chromeOptions": {"args": arguments},
            "goog:loggingPrefs": {"performance": "ALL"},
        }}});
        let host = format!("http://127.0.0.1:{port}");
        let answer = call("POST", &format!("{host}/session"), Some(&wanted));
        let session = format!("{host}/session/{}", answer["sessionId"].as_str().unwrap());
        Self { driver, session, _profile: profile }
    }

    fn get(&self, what: &str) -> Value {
        call("GET", &format!("{}/{what}", self.session), None)
    }

    fn post(&self, what: &str, body: Value) -> Value {
        call("POST", &format!("{}/{what}", self.session), Some(&body))
    }

    /// Goes to an address and waits until it is loaded.
    pub fn open(&self, url: &str) {
        self.post("url", json!({"url": url}));
    }

    /// Its address now.
    pub fn address(&self) -> String {
        self.get("url").as_str().unwrap().to_owned()
    }

    /// What a script of the page returns.
    pub fn run(&self, script: &str) -> Value {
        self.run_with(script, json!([]))
    }

    /// The same, with arguments.
    pub fn run_with(&self, script: &str, arguments: Value) -> Value {
        self.post("execute/sync", json!({"script": script, "args": arguments}))
    }

    fn element(&self, selector: &str) -> String {
        let found = self.post("element", json!({"using": "css selector", "value": selector}));
        found[ELEMENT].as_str().unwrap_or_else(|| panic!("no {selector}")).to_owned()
    }

    /// Clicks as a mouse does, what is visible alone.
    pub fn click(&self, selector: &str) {
        self.post(&format!("element/{}/click", self.element(selector)), json!({}));
    }

    /// Types into an element.
    pub fn type_into(&self, selector: &str, text: &str) {
        self.post(&format!("element/{}/value", self.element(selector)), json!({"text": text}));
    }

    /// Presses keys, one after the other, wherever the focus is.
    pub fn press(&self, keys: &[&str]) {
        let strokes = |key: &&str| [json!({"type": "keyDown", "value": key}), json!({"type": "keyUp", "value": key})];
        let actions: Vec<Value> = keys.iter().flat_map(strokes).collect();
        self.post("actions", json!({"actions": [{"type": "key", "id": "keyboard", "actions": actions}]}));
    }

    /// What a person can read of an element.
    pub fn text(&self, selector: &str) -> String {
        self.get(&format!("element/{}/text", self.element(selector))).as_str().unwrap().to_owned()
    }

    /// Returns whether a person can see one of the elements that there must be.
    pub fn is_visible(&self, selector: &str) -> bool {
        let script = "const all = [...document.querySelectorAll(arguments[0])]; return [all.length > 0, all.some(at => at.checkVisibility())]";
        let told = self.run_with(script, json!([selector]));
        assert_eq!(told[0], true, "there is no {selector}");
        told[1] == true
    }

    /// A command of the DevTools protocol.
    pub fn tools(&self, command: &str, parameters: Value) -> Value {
        self.post("goog/cdp/execute", json!({"cmd": command, "params": parameters}))
    }

    /// The addresses that were asked for since the last call, but for what a page's policy stopped.
    pub fn requests(&self) -> Vec<String> {
        let log = self.post("se/log", json!({"type": "performance"}));
        let said = log.as_array().unwrap().iter().map(|entry| entry["message"].as_str().unwrap());
        let said: Vec<Value> =
            said.map(|message| serde_json::from_str::<Value>(message).unwrap()["message"].take()).collect();
        let of =
            |method: &'static str| said.iter().filter(move |one| one["method"] == method).map(|one| &one["params"]);
        let stopped: Vec<&Value> = of("Network.loadingFailed")
            .filter(|one| one["blockedReason"] == "csp")
            .map(|one| &one["requestId"])
            .collect();
        let sent = of("Network.requestWillBeSent").filter(|one| !stopped.contains(&&one["requestId"]));
        sent.map(|one| one["request"]["url"].as_str().unwrap().to_owned()).collect()
    }

    /// The page as a PDF, on A4.
    pub fn printed(&self) -> Vec<u8> {
        let paper = json!({"page": {"width": 21.0, "height": 29.7}, "background": true});
        BASE64_STANDARD.decode(self.post("print", paper).as_str().unwrap()).unwrap()
    }

    /// A PNG of the page between two heights, which the window need not hold.
    pub fn picture(&self, top: f64, bottom: f64) -> Vec<u8> {
        let width = self.run("return document.documentElement.clientWidth");
        let clip = json!({"x": 0, "y": top, "width": width, "height": bottom - top, "scale": 1});
        let taken = self.tools("Page.captureScreenshot", json!({"clip": clip, "captureBeyondViewport": true}));
        BASE64_STANDARD.decode(taken["data"].as_str().unwrap()).unwrap()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The session's end is the browser's.
        let _ = ureq::delete(&self.session).call();
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// One call of WebDriver; its errors are faults of a test.
fn call(method: &str, url: &str, body: Option<&Value>) -> Value {
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let answer = match body {
        Some(body) => agent.post(url).header("content-type", "application/json").send(body.to_string()),
        None => agent.get(url).call(),
    };
    let mut answer = answer.unwrap_or_else(|error| panic!("{method} {url}: {error}"));
    let text = answer.body_mut().with_config().limit(u64::MAX).read_to_string().unwrap();
    let mut told: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{method} {url}: {text}"));
    let value = told["value"].take();
    assert!(value.get("error").is_none(), "{method} {url}: {value}");
    value
}
