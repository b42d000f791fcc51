//! The address of a PostgreSQL database, checked before it is used. What it holds besides, a password, is shown nowhere:
//! neither here nor by the library, which logs the value of a parameter that it does not know.

use std::str::FromStr;

use sqlx::postgres::PgConnectOptions;

use super::StoreError;

/// What the part of an address after `?` may say.
const PARAMETERS: [&str; 17] = [
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "statement-cache-capacity",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
];

/// Where the database is, for people; or what is wrong with its address.
pub(super) fn place(url: &str) -> Result<String, StoreError> {
    let wrong = |reason: String| StoreError::Address(reason);
    if !["postgres://", "postgresql://"]
        .iter()
        .any(|scheme| url.starts_with(scheme))
    {
        return Err(wrong("it does not begin with postgres://".to_owned()));
    }
    if let Some(name) = unknown_parameter(url) {
        return Err(wrong(format!("`{name}` is no parameter of it")));
    }
    let options = PgConnectOptions::from_str(url).map_err(|error| match error {
        sqlx::Error::Configuration(reason) => wrong(reason.to_string()),
        other => wrong(other.to_string()),
    })?;
    let host = match options.get_socket() {
        Some(folder) => folder.display().to_string(),
        None => format!("{}:{}", options.get_host(), options.get_port()),
    };
    let (user, name) = (options.get_username(), options.get_database());
    Ok(format!(
        "database `{}` as user `{user}` at {host}",
        name.unwrap_or(user)
    ))
}

fn unknown_parameter(url: &str) -> Option<String> {
    let (_, query) = url.split_once('?')?;
    let is_known = |name: &str| {
        PARAMETERS.contains(&name) || name == "options" || name.starts_with("options[")
    };
    form_urlencoded::parse(query.as_bytes())
        .map(|(name, _)| name.into_owned())
        .find(|name| !is_known(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_where_the_database_is_and_never_the_password() {
        let cases = [
            (
                "postgres://zygo:hidden@db.example:5433/state",
                "database `state` as user `zygo` at db.example:5433",
            ),
            (
                "postgresql://zygo:hidden@%2Frun%2Fpg/state?application_name=x",
                "database `state` as user `zygo` at /run/pg",
            ),
            ("mysql://zygo:hidden@db/state", "begin with postgres://"),
            ("zygo:hidden@db/state", "begin with postgres://"),
            ("postgres://zygo:hidden@db:port/state", "port"),
            ("postgres://zygo@db/state?pasword=hidden", "`pasword`"),
            ("postgres://zygo:hidden@db/state?sslmode=perhaps", "perhaps"),
        ];
        for (url, expected) in cases {
            let said = place(url).unwrap_or_else(|error| error.to_string());
            assert!(said.contains(expected), "{url}: {said}");
            assert!(!said.contains("hidden"), "{said}");
        }
    }
}
