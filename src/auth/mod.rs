//! Who is calling, and what they may do: API keys and JSON Web Tokens. Knows neither paths nor functions, only roles and
//! names.

mod jwt;
mod keys;

use std::net::IpAddr;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

pub(crate) use keys::{Key, Keys, NewKey};

use crate::cluster::Cluster;
use crate::config::Config;
use crate::secret::Secret;
use crate::store::{Database, StoreError};
use jwt::Tokens;

/// What someone may do. Each role holds those that its list names.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Role {
    /// Everything.
    Admin,
    /// Functions with all that belongs to them, invoking and reading.
    Deploy,
    /// Invoking, and nothing else.
    Invoke,
    /// Looking, and nothing else.
    Read,
}

impl Role {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Deploy => "deploy",
            Self::Invoke => "invoke",
            Self::Read => "read",
        }
    }

    /// Whether whoever has this role may do what needs `needed`.
    pub(crate) fn includes(self, needed: Self) -> bool {
        match self {
            Self::Admin => true,
            Self::Deploy => needed != Self::Admin,
            Self::Invoke | Self::Read => self == needed,
        }
    }
}

/// Who is calling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Principal {
    /// For the history: the name of a key, or the subject of a token.
    pub(crate) name: String,
    pub(crate) role: Role,
    /// Names of the functions that are all there is for them; `None` for all functions.
    pub(crate) functions: Option<Vec<String>>,
}

impl Principal {
    /// Whether a function is there for them.
    pub(crate) fn sees(&self, function: &str) -> bool {
        let names = self.functions.as_ref();
        names.is_none_or(|names| names.iter().any(|name| name == function))
    }

    /// Whoever calls a platform that asks nobody.
    fn anyone() -> Self {
        Self {
            name: "anonymous".to_owned(),
            role: Role::Admin,
            functions: None,
        }
    }
}

/// Why a caller is nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AuthError {
    /// There is no credential.
    #[error(
        "a credential is missing: send `Authorization: Bearer <API key or JWT>` or `X-Api-Key`"
    )]
    Missing,
    /// The key was never given out, or was revoked.
    #[error("the API key is unknown or was revoked")]
    UnknownKey,
    /// The token is not ours, is out of its time, or is no token.
    #[error("the token is refused: {0}")]
    Token(&'static str),
}

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AuthSetupError {
    /// The platform would listen to everyone, and ask nobody who they are.
    #[error(
        "listening on {0} lets everyone in: set ZYGO_ADMIN_KEY, ZYGO_JWT_SECRET or jwks_file, or listen on 127.0.0.1 \
         and make a key with `zygo keys create`"
    )]
    Exposed(IpAddr),
    /// The file of public keys cannot be read.
    #[error("jwks_file {file} cannot be used: {reason}")]
    Jwks {
        /// Which file.
        file: String,
        /// What is wrong.
        reason: String,
    },
    /// A secret that is no secret.
    #[error("{0} must have at least 16 characters")]
    Short(&'static str),
    /// The database cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Everything that knows credentials.
#[derive(Debug)]
pub(crate) struct Auth {
    keys: Keys,
    admin: Option<[u8; 32]>,
    tokens: Tokens,
}

/// The shortest secret of an operator's.
const SECRET_LEN_MIN: usize = 16;

impl Auth {
    pub(crate) async fn open(
        database: Database,
        cluster: Cluster,
        config: &Config,
    ) -> Result<Self, AuthSetupError> {
        let secrets = [
            ("ZYGO_ADMIN_KEY", &config.admin_key),
            ("ZYGO_JWT_SECRET", &config.jwt_secret),
        ];
        for (name, secret) in secrets {
            if secret
                .as_ref()
                .is_some_and(|secret| secret.expose().len() < SECRET_LEN_MIN)
            {
                return Err(AuthSetupError::Short(name));
            }
        }
        let auth = Self {
            keys: Keys::open(database, cluster).await?,
            admin: config.admin_key.as_ref().map(|key| hash(key.expose())),
            tokens: Tokens::open(config)?,
        };
        match (auth.is_on(), config.host.is_loopback()) {
            (false, false) => Err(AuthSetupError::Exposed(config.host)),
            (false, true) => {
                tracing::warn!(
                    "no credential is configured: everyone on this machine may do everything"
                );
                Ok(auth)
            }
            _ => Ok(auth),
        }
    }

    /// Whether callers are asked who they are.
    pub(crate) fn is_on(&self) -> bool {
        self.admin.is_some() || self.tokens.are_on() || !self.keys.is_empty()
    }

    /// The keys that were given out.
    pub(crate) fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Who has this credential.
    pub(crate) fn principal(&self, credential: Option<&str>) -> Result<Principal, AuthError> {
        match credential {
            _ if !self.is_on() => Ok(Principal::anyone()),
            None => Err(AuthError::Missing),
            Some(text) if text.starts_with(keys::PREFIX) => {
                self.keys.principal(text).ok_or(AuthError::UnknownKey)
            }
            Some(text) if self.is_admin_key(text) => Ok(Principal {
                name: "admin".to_owned(),
                ..Principal::anyone()
            }),
            Some(text) if text.bytes().filter(|byte| *byte == b'.').count() == 2 => {
                self.tokens.principal(text)
            }
            Some(_) => Err(AuthError::UnknownKey),
        }
    }

    fn is_admin_key(&self, text: &str) -> bool {
        let hashed = hash(text);
        self.admin
            .is_some_and(|admin| bool::from(admin.ct_eq(&hashed)))
    }
}

/// Secrets are compared by their hashes: equal lengths, in constant time.
fn hash(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

/// A new secret, shown once.
fn secret() -> Result<Secret, StoreError> {
    use base64::Engine;
    let mut bytes = zeroize::Zeroizing::new([0_u8; 24]);
    getrandom::fill(&mut bytes[..]).map_err(|_| crate::seal::SealError::NoRandomness)?;
    let text = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(&bytes[..]);
    Ok(Secret::new(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_hold_what_they_say() {
        use Role::{Admin, Deploy, Invoke, Read};
        let all = [Admin, Deploy, Invoke, Read];
        let held = |role: Role| {
            all.into_iter()
                .filter(|needed| role.includes(*needed))
                .collect::<Vec<_>>()
        };
        assert_eq!(held(Admin), all);
        assert_eq!(held(Deploy), [Deploy, Invoke, Read]);
        assert_eq!((held(Invoke), held(Read)), (vec![Invoke], vec![Read]));
    }
}
