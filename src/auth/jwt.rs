//! JSON Web Tokens: signed with a shared secret (HS256, HS384, HS512), or with a private key whose public half is in a
//! JWKS file (RS, PS, ES, EdDSA). Which algorithms are possible follows from the key and never from the token.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{AlgorithmFamily, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;

use super::{AuthError, AuthSetupError, Principal, Role};
use crate::config::Config;

/// A difference between clocks that is forgiven, in seconds.
const LEEWAY_S: u64 = 30;

/// What a token says.
#[derive(Debug, Deserialize)]
struct Claims {
    sub: Option<String>,
    #[serde(alias = "zygo_role")]
    role: Option<Role>,
    functions: Option<Vec<String>>,
}

/// What tokens are checked with.
pub(super) struct Tokens {
    secret: Option<DecodingKey>,
    file: Option<PathBuf>,
    /// The file's keys, and when it was written.
    set: Mutex<Option<(SystemTime, JwkSet)>>,
    issuer: Option<String>,
    audience: Option<String>,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Tokens")
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}

impl Tokens {
    pub(super) fn open(config: &Config) -> Result<Self, AuthSetupError> {
        let secret = config.jwt_secret.as_ref();
        let tokens = Self {
            secret: secret.map(|secret| DecodingKey::from_secret(secret.expose().as_bytes())),
            file: config.jwks_file.clone(),
            set: Mutex::default(),
            issuer: config.jwt_issuer.clone(),
            audience: config.jwt_audience.clone(),
        };
        if let Some(file) = &tokens.file {
            tokens
                .refresh(file)
                .map_err(|reason| AuthSetupError::Jwks {
                    file: file.display().to_string(),
                    reason,
                })?;
        }
        Ok(tokens)
    }

    pub(super) fn are_on(&self) -> bool {
        self.secret.is_some() || self.file.is_some()
    }

    pub(super) fn principal(&self, token: &str) -> Result<Principal, AuthError> {
        let header = decode_header(token).map_err(|_| {
            AuthError::Token("it is no token, or its algorithm is none that is taken")
        })?;
        let key = self.key(header.kid.as_deref())?;
        let claims = decode::<Claims>(token, &key, &self.validation(key.family()))
            .map_err(|error| AuthError::Token(why(error.kind())))?;
        let Claims {
            sub,
            role,
            functions,
        } = claims.claims;
        Ok(Principal {
            name: sub.unwrap_or_else(|| "token".to_owned()),
            role: role.ok_or(AuthError::Token(
                "it has no claim `role` of admin, deploy, invoke or read",
            ))?,
            functions,
        })
    }

    fn validation(&self, family: AlgorithmFamily) -> Validation {
        let mut validation = Validation::new_for_family(family);
        validation.leeway = LEEWAY_S;
        validation.validate_nbf = true;
        validation.validate_aud = self.audience.is_some();
        let mut required = vec!["exp"];
        if let Some(issuer) = &self.issuer {
            validation.set_issuer(&[issuer]);
            required.push("iss");
        }
        if let Some(audience) = &self.audience {
            validation.set_audience(&[audience]);
            required.push("aud");
        }
        validation.set_required_spec_claims(&required);
        validation
    }

    /// The key that a token names, or the shared secret.
    fn key(&self, kid: Option<&str>) -> Result<DecodingKey, AuthError> {
        if let Some(file) = &self.file {
            // A file that cannot be read now was read before; its keys hold until it can.
            let _ = self.refresh(file);
            let set = self.set.lock().unwrap_or_else(PoisonError::into_inner);
            let keys = set.as_ref().map(|(_, set)| set);
            let found = keys.and_then(|set| match kid {
                Some(kid) => set.find(kid),
                None => set.keys.first().filter(|_| set.keys.len() == 1),
            });
            let usable = found
                .and_then(|key| DecodingKey::from_jwk(key).ok())
                .filter(|key| key.family() != AlgorithmFamily::Hmac);
            if let Some(key) = usable {
                return Ok(key);
            }
        }
        self.secret
            .clone()
            .ok_or(AuthError::Token("its key is unknown"))
    }

    /// Reads the file again when it was written since.
    fn refresh(&self, file: &std::path::Path) -> Result<(), String> {
        let written = std::fs::metadata(file)
            .and_then(|metadata| metadata.modified())
            .map_err(|error| error.to_string())?;
        let mut set = self.set.lock().unwrap_or_else(PoisonError::into_inner);
        if set.as_ref().is_some_and(|(known, _)| *known == written) {
            return Ok(());
        }
        let text = std::fs::read(file).map_err(|error| error.to_string())?;
        let read = serde_json::from_slice(&text).map_err(|error| error.to_string())?;
        *set = Some((written, read));
        Ok(())
    }
}

fn why(kind: &ErrorKind) -> &'static str {
    match kind {
        ErrorKind::ExpiredSignature => "it has expired",
        ErrorKind::ImmatureSignature => "its time has not come",
        ErrorKind::InvalidIssuer => "its issuer is not the configured one",
        ErrorKind::InvalidAudience => "it is for another audience",
        ErrorKind::InvalidAlgorithm | ErrorKind::InvalidAlgorithmName => {
            "its algorithm is none of its key's"
        }
        ErrorKind::MissingRequiredClaim(_) => {
            "a claim is missing: exp, and iss and aud where they are configured"
        }
        ErrorKind::Json(_) => "its claims are malformed",
        _ => "its signature is wrong",
    }
}
