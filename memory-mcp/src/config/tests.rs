use super::*;

fn environment(vars: &[(&str, &str)]) -> Environment {
    let home = ("HOME".to_owned(), OsString::from("/home/nobody"));
    let vars = vars.iter().map(|(name, value)| ((*name).to_owned(), OsString::from(value)));
    Environment {
        vars: vars.chain([home]).collect(),
        working_dir: PathBuf::from("/home/me/shop"),
        platform: Platform::Xdg,
    }
}

fn file(content: &str) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.toml");
    std::fs::write(&path, content).unwrap();
    (dir, path)
}

fn row(settings: &Settings, key: &str) -> (String, Origin) {
    let row = settings.rows().into_iter().find(|row| row.key == key).unwrap();
    (row.value, row.origin)
}

#[test]
fn nearer_layers_win_and_each_value_knows_where_it_came_from() {
    let (_dir, path) =
        file("max_steps = 10\nmax_limit = 50\ndefault_limit = 7\nlog_level = 'info'");
    let flags = Flags {
        config: Some(path.clone()),
        settings: vec!["max_steps=30".to_owned()],
        log_level: Some("debug".to_owned()),
        ..Flags::default()
    };
    let environment =
        environment(&[("MEMORY_MCP_MAX_STEPS", "20"), ("MEMORY_MCP_MAX_LIMIT", "60")]);
    let settings = Settings::load(&flags, &environment).unwrap();
    assert_eq!(row(&settings, "max_steps"), ("30".to_owned(), Origin::Flag("--set".to_owned())));
    let variable = Origin::Variable("MEMORY_MCP_MAX_LIMIT".to_owned());
    assert_eq!(row(&settings, "max_limit"), ("60".to_owned(), variable));
    assert_eq!(row(&settings, "default_limit"), ("7".to_owned(), Origin::File(path)));
    assert_eq!(row(&settings, "max_labels"), ("64".to_owned(), Origin::Default));
    assert_eq!((settings.engine.max_steps, settings.engine.max_limit), (30, 60));
    assert_eq!(settings.log_level, LogLevel::Debug);
}

#[test]
fn an_unknown_key_is_refused_with_the_nearest_one() {
    let (_dir, path) = file("max_step = 10");
    let flags = Flags { config: Some(path), ..Flags::default() };
    let error = Settings::load(&flags, &environment(&[])).unwrap_err().to_string();
    assert!(error.contains("`max_step`") && error.contains("did you mean `max_steps`"), "{error}");
}

#[test]
fn a_wrong_type_names_key_file_and_what_was_expected() {
    for (content, expected) in [
        ("max_steps = 'ten'", "must be a whole number, not a text"),
        ("store = 3", "must be a text in quotes, not a whole number"),
        ("max_steps = -1", "must not be negative"),
        ("recency_half_life_days = []", "must be a number, not a list"),
        ("log_level = 'loud'", "must be off, error, warn, info, debug or trace, not `loud`"),
        ("max_steps = 0", "max_steps: must be at least 1"),
    ] {
        let (_dir, path) = file(content);
        let flags = Flags { config: Some(path.clone()), ..Flags::default() };
        let error = Settings::load(&flags, &environment(&[])).unwrap_err().to_string();
        assert!(error.contains(expected), "{content}: {error}");
        assert!(error.contains(&path.display().to_string()), "{content}: {error}");
    }
}

#[test]
fn a_settings_file_that_is_no_toml_is_named_with_the_line() {
    let (_dir, path) = file("max_steps = 3\n\nthis is not toml\n");
    let flags = Flags { config: Some(path), ..Flags::default() };
    let error = Settings::load(&flags, &environment(&[])).unwrap_err().to_string();
    assert!(error.contains("config.toml:3:") && !error.contains('\n'), "{error}");
}

#[test]
fn only_a_file_that_was_named_must_exist() {
    assert!(Settings::load(&Flags::default(), &environment(&[])).is_ok());
    let named = environment(&[("MEMORY_MCP_CONFIG", "/nowhere/config.toml")]);
    let error = Settings::load(&Flags::default(), &named).unwrap_err().to_string();
    assert!(error.contains("/nowhere/config.toml"), "{error}");
}

#[test]
fn an_unknown_variable_of_ours_is_a_warning() {
    let vars = [("MEMORY_MCP_MAX_STEP", "3"), ("MEMORY_MCP_SCOPE", ""), ("OTHER", "x")];
    let settings = Settings::load(&Flags::default(), &environment(&vars)).unwrap();
    let [warning] = settings.warnings.as_slice() else { panic!("{:?}", settings.warnings) };
    assert!(warning.contains("did you mean `MEMORY_MCP_MAX_STEPS`"), "{warning}");
    assert_eq!(settings.scope, None, "an empty variable is not set");
}

#[test]
fn the_store_lies_where_the_platform_keeps_data() {
    let load = |environment: &Environment| {
        Settings::load(&Flags::default(), environment).map(|settings| settings.store)
    };
    let plain = environment(&[]);
    let under_home = PathBuf::from("/home/nobody/.local/share/memory-mcp/memory.db");
    assert_eq!(load(&plain).unwrap(), under_home);
    let xdg = environment(&[("XDG_DATA_HOME", "/data")]);
    assert_eq!(load(&xdg).unwrap(), PathBuf::from("/data/memory-mcp/memory.db"));
    let relative = environment(&[("XDG_DATA_HOME", "data")]);
    assert_eq!(load(&relative).unwrap(), under_home, "XDG ignores relative paths");
    let mac = Environment { platform: Platform::Mac, ..plain.clone() };
    let in_library = PathBuf::from("/home/nobody/Library/Application Support/memory-mcp/memory.db");
    assert_eq!(load(&mac).unwrap(), in_library);
    let windows = Environment { platform: Platform::Windows, ..plain };
    let error = load(&windows).unwrap_err().to_string();
    assert!(error.contains("--store"), "{error}");
}

#[test]
fn a_relative_store_is_seen_from_the_working_folder() {
    let flags = Flags { store: Some("memory.db".into()), ..Flags::default() };
    let settings = Settings::load(&flags, &environment(&[])).unwrap();
    assert_eq!(settings.store, PathBuf::from("/home/me/shop/memory.db"));
}

#[test]
fn only_the_flag_makes_the_scope_a_condition() {
    let set = environment(&[("MEMORY_MCP_SCOPE", "acme/shop")]);
    let settings = Settings::load(&Flags::default(), &set).unwrap();
    assert_eq!((settings.scope.as_deref(), settings.scope_condition()), (Some("acme/shop"), None));
    let flags = Flags { scope: Some("acme/blog".to_owned()), ..Flags::default() };
    let settings = Settings::load(&flags, &set).unwrap();
    assert_eq!(settings.scope_condition(), Some(Scope::new("acme/blog").unwrap()));
    let all = Flags { scope: Some("*".to_owned()), ..Flags::default() };
    assert_eq!(Settings::load(&all, &set).unwrap().scope_condition(), None);
}

/// Settings from texts as `--set` takes them, with the key of the provider if there is one.
fn remote(set: &[&str], key: Option<&str>) -> Result<Settings, BadSetting> {
    let flags = Flags { settings: set.iter().map(|&set| set.into()).collect(), ..Flags::default() };
    let vars: Vec<_> = key.into_iter().map(|key| (KEY_VARIABLE, key)).collect();
    Settings::load(&flags, &environment(&vars))
}

#[test]
fn every_provider_is_taken_with_address_model_and_dimension() {
    for (name, service) in Service::NAMES {
        let set = [
            &format!("embedder={name}"),
            "embedder_url=http://localhost:1/v1",
            "embedder_model=m",
            "embedder_dimension=8",
        ];
        let settings = remote(&set, Some(" sk-1 \n")).unwrap();
        assert_eq!(settings.embedder, EmbedderChoice::Remote(service));
        assert_eq!(row(&settings, "embedder").0, name);
        let target = settings.remote.target(service).unwrap();
        let key = Secret::named("k", "sk-1".as_ref()).unwrap();
        assert_eq!((target.url, target.model), ("http://localhost:1/v1", "m"));
        assert_eq!((target.dimension, target.key), (8, Some(&key)));
        assert!(settings.warnings.is_empty(), "{:?}", settings.warnings);
    }
}

#[test]
fn a_provider_that_lacks_something_is_refused_with_the_name_of_what_it_lacks() {
    let (url, model) = ("embedder_url=http://localhost:1", "embedder_model=m");
    for (set, missing) in [
        (["embedder=openai", model, "embedder_dimension=8"], "embedder_url"),
        (["embedder=ollama", model, "embedder_dimension=8"], "embedder_url"),
        (["embedder=openai", url, "embedder_dimension=8"], "embedder_model"),
        (["embedder=cohere", url, model], "embedder_dimension"),
    ] {
        let error = remote(&set, None).unwrap_err().to_string();
        let begin = format!("`{missing}` is not set, which `embedder` ");
        assert!(error.starts_with(&begin) && error.contains("(--set)"), "{error}");
    }
    assert!(remote(&[model], None).is_ok(), "a model alone is harmless");
}

#[test]
fn a_provider_with_one_public_address_needs_no_address_but_a_key() {
    for name in ["mistral", "voyage", "cohere"] {
        let set = [&format!("embedder={name}"), "embedder_model=m", "embedder_dimension=8"];
        assert!(remote(&set, Some("k")).unwrap().warnings.is_empty());
        let warnings = remote(&set, None).unwrap().warnings;
        assert!(warnings.iter().any(|warning| warning.contains(KEY_VARIABLE)), "{warnings:?}");
    }
}

#[test]
fn values_for_a_provider_that_make_no_sense_are_refused() {
    for (set, expected) in [
        ("embedder=word2vec", "`embedder` (--set) must be minilm, none, file:PATH, openai"),
        ("embedder_url=localhost:11434", "`embedder_url` (--set) must begin with http"),
        ("embedder_url=https://", "must name a host"),
        ("embedder_url=https://u:sk-1@host", "without user, password or query"),
        ("embedder_url=https://host/v1?key=sk-1", "without user, password or query"),
        ("embedder_model=", "`embedder_model` (--set) must not be empty"),
        ("embedder_dimension=0", "`embedder_dimension` (--set) must be at least 1"),
    ] {
        let error = remote(&[set], None).unwrap_err().to_string();
        assert!(error.contains(expected) && !error.contains("sk-1"), "{set}: {error}");
    }
}

#[test]
fn the_key_comes_from_its_variable_alone_and_is_never_repeated() {
    let settings = remote(&[], Some("sk-1")).unwrap();
    assert!(settings.warnings.is_empty(), "{:?}", settings.warnings);
    assert!(!format!("{settings:?}").contains("sk-1"));
    assert!(settings.rows().iter().all(|row| !row.value.contains("sk-1")));
    let (_dir, path) = file("embedder_key = 'sk-1'");
    let from_file = Flags { config: Some(path), ..Flags::default() };
    for refused in [
        remote(&["embedder_key=sk-1"], None),
        Settings::load(&from_file, &environment(&[])),
        remote(&[], Some("sk-1\nsk-1")),
    ] {
        let error = refused.unwrap_err().to_string();
        assert!(error.contains(KEY_VARIABLE) && !error.contains("sk-1"), "{error}");
    }
}
