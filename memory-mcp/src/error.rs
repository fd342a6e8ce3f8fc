//! Errors of the engine as answers to a client; the only such mapping.

use memory_core::{Error, StorageError};
use rmcp::model::{CallToolResult, ContentBlock, ErrorData};

use crate::wire::BadArgument;

/// Reason for which a call was not done.
#[derive(Debug)]
pub(crate) enum CallError {
    /// The caller can do something about it: a tool error, whose text says what.
    Refused(String),
    /// Nobody on the other side can: a protocol error; the detail goes to the log.
    Internal(String),
}

impl CallError {
    /// Returns the error of a field that the engine knows under another name.
    pub(crate) fn at(field: &str, error: Error) -> Self {
        match error {
            Error::Invalid { reason, .. } => Self::Refused(format!("{field}: {reason}")),
            other => other.into(),
        }
    }

    /// Returns the message that goes to the client. The detail of an internal error is written to
    /// the log, because clients hide it from the model and show it to nobody who could use it.
    pub(crate) fn into_wire(self, tool: &str) -> Result<CallToolResult, ErrorData> {
        match self {
            Self::Refused(text) => Ok(CallToolResult::error(vec![ContentBlock::text(text)])),
            Self::Internal(detail) => {
                tracing::error!(tool, detail, "internal error");
                Err(ErrorData::internal_error(
                    format!("{tool} failed inside the server; its log (stderr) has the detail"),
                    None,
                ))
            }
        }
    }

    /// Returns the error of a request whose answer has no place for one.
    pub(crate) fn into_error(self, what: &str) -> ErrorData {
        match self {
            Self::Refused(text) => ErrorData::invalid_params(text, None),
            internal @ Self::Internal(_) => match internal.into_wire(what) {
                Err(error) => error,
                Ok(_) => ErrorData::internal_error(what.to_owned(), None),
            },
        }
    }
}

impl From<BadArgument> for CallError {
    fn from(BadArgument(text): BadArgument) -> Self {
        Self::Refused(text)
    }
}

impl From<Error> for CallError {
    fn from(error: Error) -> Self {
        match &error {
            Error::Invalid { .. }
            | Error::Conflict { .. }
            | Error::Forgotten { .. }
            | Error::Storage { source: StorageError::Busy, .. } => Self::Refused(error.to_string()),
            Error::NotFound { .. } => {
                Self::Refused(format!("{error}; `recall` and `start_episode` give ids"))
            }
            Error::LimitExceeded { .. } => Self::Refused(format!("{error}; send less")),
            Error::Index { .. } => Self::Refused(format!(
                "{error}; nothing was searched, call again in a while (`status` tells more)"
            )),
            Error::Storage { source: StorageError::Unavailable { .. }, .. } => {
                Self::Refused(format!("{error}; tell the user"))
            }
            // Damage, a format from the future, a failed flush, a broken backend: a retry by the
            // model changes none of them.
            _ => Self::Internal(error.to_string()),
        }
    }
}
