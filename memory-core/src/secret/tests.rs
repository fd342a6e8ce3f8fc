//! Claims about what is masked and what is left alone.
//!
//! Secrets are put together here, so that no scanner takes this file for a leak.

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::string::string_regex;
use proptest::test_runner::TestRunner;

use super::*;

/// Characters as chance makes them, the same ones each time.
fn some(n: usize) -> String {
    "q7Zr2mKx9Tf4Wc8Lb3Hv6Np1Jd5Gs0Ya".chars().cycle().take(n).collect()
}

fn masked(text: &str) -> String {
    mask(text.to_owned()).0
}

/// Checks that nothing of a secret is left in the text that has it in place of `{}`.
fn check_masked(text: &str, secret: &str) {
    let masked = masked(&text.replace("{}", secret));
    let n = secret.len().min(12);
    let left = (0..=secret.len() - n)
        .find(|at| secret.get(*at..at + n).is_some_and(|piece| masked.contains(piece)));
    assert!(left.is_none(), "{text}: {masked}");
    assert!(masked.contains("[masked:"), "{text}: {masked}");
}

fn check_kept(text: &str) {
    assert_eq!(mask(text.to_owned()), (text.to_owned(), 0));
}

/// Tokens of each line of the table, with its name: what may follow the literal is made by chance.
fn tokens(n_each: usize) -> Vec<(&'static str, bool, String)> {
    let mut runner = TestRunner::deterministic();
    let mut made = Vec::new();
    for shape in shapes::read() {
        let sample = |runner: &mut TestRunner, pattern: &str| {
            let strategy = string_regex(pattern).unwrap();
            strategy.new_tree(runner).unwrap().current()
        };
        for literal in &shape.literals {
            for _ in 0..n_each {
                let head = shape.head.map_or(String::new(), |head| sample(&mut runner, head));
                let rest = loop {
                    let rest = sample(&mut runner, shape.rest);
                    // A few of those that are made by chance look like words: they are left alone.
                    let is_random = !shape.random || value::is_random(&rest);
                    if is_random && !value::is_placeholder(&rest) {
                        break rest;
                    }
                };
                made.push((shape.name, shape.rest.contains('('), format!("{head}{literal}{rest}")));
            }
        }
    }
    made
}

#[test]
fn every_line_of_the_table_is_read_and_compiles() {
    let shapes = shapes::read();
    assert!(shapes.len() > 130, "{}", shapes.len());
    for shape in &shapes {
        assert!(shape.rest_regex().is_some(), "{}: {}", shape.name, shape.rest);
        assert_eq!(shape.head.is_some(), shape.head_regex().is_some(), "{}", shape.name);
    }
    assert!(rules().is_some());
}

#[test]
fn tokens_of_every_shape_are_masked_in_prose_json_shell_yaml_and_an_address() {
    let places = [
        "The job failed with {} in its log, twice.",
        r#"{"note": "{}", "n": 1}"#,
        r#"{\"args\":\"echo {}\"}"#,
        "curl -d 'x={}' localhost\nnext line",
        "steps:\n  - value: {}\n  - other: 1",
        "see https://ci.example.com/run?x={}&page=2",
    ];
    for (name, has_group, token) in tokens(1) {
        for place in places {
            let (text, n) = mask(place.replace("{}", &token));
            assert!(n >= 1 && text.contains("[masked:"), "{name}: {token} in {place}: {text}");
            assert!(!text.contains(&token), "{name}: {token} in {place}: {text}");
            let tail = token.get(token.len().saturating_sub(8)..).unwrap();
            assert!(has_group || !text.contains(tail), "{name}: {token} in {place}: {text}");
        }
    }
}

#[test]
fn a_secret_is_replaced_by_the_name_of_its_shape() {
    let token = format!("ghp_{}", some(36));
    let text = masked(&format!("push with {token} failed"));
    assert_eq!(text, "push with [masked:github-token] failed");
    let token = format!("glpat-{}", some(20));
    assert_eq!(masked(&format!("CI_TOKEN={token}")), "CI_TOKEN=[masked:gitlab-token]");
}

#[test]
fn a_value_that_its_name_gives_away_is_masked() {
    let token = some(40);
    for place in [
        "DEPLOY_TOKEN={}",
        "export NETLIFY_AUTH_TOKEN={} && make",
        r#"{"token": "{}"}"#,
        r#"{\"refreshToken\":\"{}\"}"#,
        "AccountName=a;AccountKey={};EndpointSuffix=x",
        "Endpoint=sb://a/;SharedAccessKeyName=Root;SharedAccessKey={}",
        "X-Relay: Bearer {}",
        "Authorization: {}",
        "-H 'Authorization: token {}'",
        "--header \"PRIVATE-TOKEN: {}\"",
        "X-Api-Key: {}",
        "wss://s.example.com/live?token={}",
        "https://s.example.com/a?page=2&access_token={}#top",
        "https://b.example.com/k?X-Amz-Date=1&X-Amz-Signature={}",
        "https://acct.blob.example.net/c?sv=2022&sig={}",
        "Cookie: theme=dark; sessionid={}; lang=en",
        "set-cookie: connect.sid={}; Path=/; HttpOnly",
        "deploy --token {} --env prod",
        "tool --api-key={}",
        r#"{"auths":{"ghcr.io":{"auth":"{}"}}}"#,
        "client-key-data: {}",
        "os.environ['SERVICE_API_KEY'] = '{}'",
        r#"<add key="ApiKey" value="{}" />"#,
        "- name: API_TOKEN\n  value: {}",
        "//registry.example.org/:_authToken={}",
        "let api_key: &str = \"{}\";",
        "client_secret={}",
        "<access_token>{}</access_token>",
        "const secretKey = '{}';",
        "ENV API_TOKEN {}",
        "setenv(\"API_TOKEN\", \"{}\")",
        "session={}; other=1",
        "API key: {}",
        "The deploy token is {}, ask Ada",
    ] {
        check_masked(place, &token);
    }
}

#[test]
fn a_token_with_few_digits_is_masked_in_a_header_and_a_type_is_kept() {
    for token in ["KNoXtfOqH8dJbdRSSYRc", "KNoXtfOqHxdJbdRSSYRc", "ab1CdeFgHiJkLmNoPqRs"] {
        check_masked("--header 'PRIVATE-TOKEN: {}'", token);
        check_masked("X-Auth-Token: {}", token);
    }
    check_kept("pub ExportKey: BCryptExportKeyFn2,");
    check_kept("pub SessionToken: D3DKMT_HISTORYTOKEN,");
}

#[test]
fn passwords_as_people_choose_them_are_masked() {
    for (place, password) in [
        ("DB_PASSWORD={}", "opensesameopensesame"),
        ("DB_PASSWORD={}", "730918264455"),
        ("password: {}", "sunflower9"),
        ("password: \"{}\"", "LetNobodyPass!"),
        ("\"password\": \"{}\"", "Ca$$andra2023"),
        ("PGPASSWORD={} psql -h db", "tulip42"),
        ("passwd='{}'", "tulip7"),
        ("Server=db;User Id=sa;Password={};", "T@lip88"),
        ("Data Source=db;Uid=app;Pwd={};Encrypt=True", "T@lip88x"),
        ("postgres://app:{}@db:5432/x", "tulipgarden"),
        ("postgres://app:{}@db:5432/x", "tu1ip@garden@x"),
        ("redis://:{}@cache:6379/0", "tuL1/gArd3n"),
        ("mongodb+srv://u:{}@c0.example.net/d", "tu'lip8"),
        ("git clone https://{}@dev.example.com/acme/_git/shop", "q7zr2mkx9tf4wc8lb3hv6np1jd5gs0ya"),
        ("psql --user app --password {} --host db", "Tulip-2031ab"),
        ("curl -u deploy:{} https://ci.example.com/", "Tulips2031!"),
        ("curl --user 'deploy:{}' https://ci.example.com/", "Tulips2031!"),
        ("docker login -u me -p {} registry.example.com", "tulips-and-roses"),
        ("mysql -uroot -p{} shop", "tulips4me"),
        ("sshpass -p {} ssh host", "tulips4me"),
        ("machine api.example.com login me password {}", "tulips4me"),
        ("CREATE USER app WITH PASSWORD '{}'", "tulipsforever"),
        ("password = \"{}\"", "tulip rose violet daisy"),
        ("the password is `{}` for now", "tulips4me"),
        ("login with pass={}", "tulips4me"),
        ("wget --password={} http://x", "tulipgarden"),
        ("helm install --set auth.password={} shop", "tulipgarden"),
        ("CREATE USER app IDENTIFIED BY '{}'", "tulipgarden"),
    ] {
        check_masked(place, password);
    }
}

#[test]
fn names_paths_references_types_and_code_are_kept() {
    for text in [
        "private_key_path: /etc/ssl/private/web7.key",
        "ssh_key = ~/.ssh/id_ed25519",
        "MYSQL_PASSWORD_FILE=/run/secrets/mysql8_password",
        "secretName: wildcard-tls-2024",
        "password = settings.DB2_PASSWORD",
        "password: process.env.DB2_PASSWORD,",
        "secret := client.ReadV2(path)",
        "api_key: ${API_KEY_V3}",
        "api_key=$API_KEY_2",
        "--password $DB_PASSWORD --host db",
        "password_reset_url = \"https://app.example.com/reset/v2\"",
        "password_changed_at: 2024-05-01T10:00:00Z",
        "token_expires_in: 3600s, max_tokens=4096",
        "fn login(password: &str, token: String) -> Session {",
        "password: Option<String>,",
        "let token = self.next_token();",
        "const token = await getToken2(user)",
        "if password == other.password { return; }",
        "password = get_password_from_vault(user)",
        "if api_key is None: raise ValueError('api_key missing')",
        "the secret of good tests is naming",
        "primary_key: order_items_2024_id",
        "cache_key = \"v2-user-profile-1234567890abcdef\"",
        "\"password\": \"Enter your password\"",
        "OPENAI_API_KEY=\"your-api-key-here\"",
        "API_TOKEN=<token>",
        "next_page_token: \"CAUQAA12345678\"",
        "https://example.com/a:b/c@2x.png",
        "https://example.com:8080/@scope/package",
        "git clone https://${TOKEN}@github.com/acme/shop",
        "git clone ssh://git@github.com/acme/shop",
        "sk-learn and task-runner-configuration",
        "commit 9fceb02d0ae598e95dc970b74767f19372d61af8 reverted",
        "episode 3f2504e0-4f89-11d3-9a0c-0305e82c3301 failed",
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
        "eyJhbGciOi is the start of a header",
        "Bearer tokens are sent by the gateway",
        "Authorization: Bearer $TOKEN",
        "Cookie: theme=dark; lang=en",
        "mkdir -p build/release && psql -p 5432 -U app",
        "tar -u file:archive",
        "key: value, keyboard: us, monkey=7",
        "session=3f2504e0-4f89-11d3-9a0c-0305e82c3301 began",
        "connect(host, password=pw)",
        "the token is not valid2",
        "the password field must be at least 12 characters",
    ] {
        check_kept(text);
    }
}

#[test]
fn a_private_key_is_masked_and_the_mention_of_its_first_line_is_not() {
    let (begin, end) =
        (["-----BEGIN", "PRIVATE KEY-----"].join(" "), ["-----END", "PRIVATE KEY-----"].join(" "));
    let line = some(64);
    for newline in ["\n", "\r\n", "\\n", "\n    "] {
        let key = [&*begin, &*line, &*line, &*end].join(newline);
        assert_eq!(masked(&format!("a {key} b")), "a [masked:private-key] b", "{newline:?}");
    }
    for mention in [
        format!("if (!pem.startsWith(\"{begin}\")) throw Error(); then go on with the rest of it"),
        format!("The loader expects `{begin}`; ours began otherwise and was converted."),
        format!("key.replace(\"{begin}\", \"\").replace(\"{end}\", \"\"); afterwards(call)"),
    ] {
        check_kept(&mention);
    }
    // Cut off behind, or before.
    assert_eq!(masked(&format!("k:\n{begin}\nMIIEow")), "k:\n[masked:private-key]");
    assert_eq!(masked(&format!("k:\n{begin}\n{line}\n{line}")), "k:\n[masked:private-key]");
    assert_eq!(masked(&format!("{line}\n{line}\n{end}\nb")), "[masked:private-key]\nb");
    let header = "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n";
    let key = format!("{begin}\n{header}{line}\n{end}");
    assert_eq!(masked(&key), "[masked:private-key]");
}

#[test]
fn names_keep_apart_what_had_different_secrets() {
    let name = |fill: &str| format!("run-{}{}", "ghp_", fill.repeat(12));
    let (one, other) = (mask_name(&name("aB3")).0, mask_name(&name("aB4")).0);
    assert!(one.starts_with("run-[masked:github-token:"), "{one}");
    assert_ne!(one, other);
    assert_eq!(one, mask_name(&name("aB3")).0);
    assert_eq!(mask_name(&one), (one.clone(), 0));
}

/// The sources of this workspace, without their tests.
fn sources() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut folders = vec![root.to_owned()];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && !name.starts_with('.') && name != "target" && name != "tests" {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs")
                && !name.ends_with("tests.rs")
            {
                let text = fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]").next().unwrap().to_owned();
                sources.push((path, code));
            }
        }
    }
    sources
}

#[test]
fn the_sources_of_this_workspace_lose_nothing() {
    let sources = sources();
    assert!(sources.len() > 100, "{}", sources.len());
    for (path, code) in sources {
        for line in code.lines() {
            let (masked, n) = mask(line.to_owned());
            assert_eq!(n, 0, "{}: {line}\n{masked}", path.display());
        }
    }
}

proptest! {
    #[test]
    fn masking_twice_is_masking_once(
        before in ".{0,40}", after in ".{0,40}", n in 36_usize..60, tight in any::<bool>()
    ) {
        let token = format!("gho_{}", some(n));
        let gap = if tight { "=" } else { " " };
        let (once, n) = mask(format!("{before}{gap}{token} {after}"));
        prop_assert!(n >= 1);
        prop_assert!(!once.contains(&token));
        prop_assert_eq!(mask(once.clone()).0, once);
    }

    #[test]
    fn any_text_is_masked_without_harm(text in "\\PC{0,200}", word in 0..WORDS.len()) {
        let (word, _) = WORDS[word];
        let at = text.char_indices().map(|(at, _)| at).nth(text.chars().count() / 2).unwrap_or(0);
        let (head, tail) = text.split_at(at);
        let (once, _) = mask(format!("{head}{word}{tail}"));
        prop_assert_eq!(mask(once.clone()).0, once);
    }

    #[test]
    fn the_finders_of_short_and_of_long_texts_find_the_same(
        parts in prop::collection::vec((".{0,9}", 0..WORDS.len()), 0..9)
    ) {
        let text: String = parts.iter().flat_map(|(text, word)| [text, WORDS[*word].0]).collect();
        let rules = rules().expect("the table is read");
        let found = |text_len| -> Vec<_> {
            rules.finder(text_len).find_overlapping_iter(&text).collect()
        };
        prop_assert!(found(0).len() >= parts.len());
        prop_assert_eq!(found(0), found(MIN_DFA_TEXT));
    }

    #[test]
    fn a_named_value_is_masked_whatever_it_is(value in "[A-Za-z0-9]{24,48}") {
        prop_assume!(value::is_random(&value) && !value::is_placeholder(&value));
        for name in ["API_TOKEN", "SESSION_SECRET", "MAIL_API_KEY", "ROOT_PASSWORD"] {
            let (masked, _) = mask(format!("{name}={value}"));
            prop_assert_eq!(masked, format!("{name}=[masked:secret]"));
        }
    }
}
