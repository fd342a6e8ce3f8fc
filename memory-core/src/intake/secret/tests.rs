use super::*;
use proptest::prelude::*;

/// Samples are put together here so that no scanner takes this file for a leak.
fn samples() -> Vec<(&'static str, String)> {
    let x = |n: usize| "aB3dE6gH9k".repeat(30)[..n].to_owned();
    vec![
        ("aws-key-id", format!("AKIA{}", "ABCDEFGH234567IJ")),
        ("github-token", format!("ghp_{}", x(36))),
        ("github-token", format!("github_pat_{}", x(82))),
        ("gitlab-token", format!("glpat-{}", x(20))),
        ("slack-token", format!("xoxb-{}", x(40))),
        ("anthropic-key", format!("sk-ant-api03-{}", x(80))),
        ("openai-key", format!("sk-proj-{}", x(48))),
        ("stripe-key", format!("sk_live_{}", x(24))),
        ("google-key", format!("AIza{}", x(35))),
        ("npm-token", format!("npm_{}", x(36))),
        ("huggingface-token", format!("hf_{}", "abcdEFGHij".repeat(4).get(..34).unwrap())),
        ("jwt", format!("eyJ{}.eyJ{}.{}", x(20), x(40), x(43))),
        ("telegram-token", format!("123456789:AA{}", x(33))),
        (
            "private-key",
            format!("-----BEGIN RSA {0}-----\n{1}\n-----END RSA {0}-----", "PRIVATE KEY", x(200)),
        ),
    ]
}

#[test]
fn every_published_shape_is_masked_wherever_it_stands() {
    for (rule, secret) in samples() {
        for text in [
            secret.clone(),
            format!("export TOKEN={secret}\nnext"),
            format!("{{\"k\":\"{secret}\"}}"),
        ] {
            let (masked, n) = mask(text.clone());
            assert_eq!(n, 1, "{rule}: {text} -> {masked}");
            assert!(masked.contains(&format!("[masked:{rule}]")), "{rule}: {masked}");
            assert!(!masked.contains(&secret), "{rule}: {masked}");
        }
    }
}

#[test]
fn passwords_in_urls_headers_and_assignments_are_masked_and_the_rest_stays() {
    let cases = [
        (
            "postgres://app:hunter2secret@db:5432/x",
            "postgres://app:[masked:url-password]@db:5432/x",
        ),
        ("redis://:pa55w0rd@cache/0", "redis://:[masked:url-password]@cache/0"),
        ("Authorization: Bearer abcdef0123456789", "Authorization: Bearer [masked:authorization]"),
        ("DB_PASSWORD=correcthorse42battery", "DB_PASSWORD=[masked:secret]"),
        (r#"{"api_key": "0123456789abcdef"}"#, r#"{"api_key": "[masked:secret]"}"#),
        (
            r#"{\"client_secret\":\"0123456789abcdef\"}"#,
            r#"{\"client_secret\":\"[masked:secret]\"}"#,
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(mask(text.to_owned()), (expected.to_owned(), 1), "{text}");
    }
}

#[test]
fn code_that_only_speaks_of_secrets_is_left_alone() {
    for text in [
        "password = get_password_from_vault(user)",
        "if api_key is None: raise ValueError('api_key missing')",
        "the secret of good tests is naming",
        "https://example.com/a:b/c@2x.png",
        "git clone https://${TOKEN}@github.com/acme/shop",
        "sk-learn and task-runner-configuration",
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
        "eyJhbGciOi is the start of a header",
    ] {
        assert_eq!(mask(text.to_owned()), (text.to_owned(), 0));
    }
}

#[test]
fn a_private_key_whose_end_was_cut_off_is_masked_to_the_end() {
    let (masked, n) = mask(format!("-----BEGIN {}-----\nMIIEow", "PRIVATE KEY"));
    assert_eq!((masked.as_str(), n), ("[masked:private-key]", 1));
}

#[test]
fn every_shape_compiles() {
    for (i, rule) in RULES.iter().enumerate() {
        assert!(shape(i).is_some(), "{}", rule.name);
    }
    assert!(anchors().is_some());
}

proptest! {
    #[test]
    fn masking_twice_is_masking_once(
        before in ".{0,40}", after in ".{0,40}", i in 0..samples().len()
    ) {
        let (_, secret) = &samples()[i];
        let (once, n) = mask(format!("{before} {secret} {after}"));
        prop_assert!(n >= 1);
        prop_assert!(!once.contains(secret.as_str()));
        prop_assert_eq!(mask(once.clone()).0, once);
    }
}
