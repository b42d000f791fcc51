//! How long a connection may be silent, and may live. Policy: knows no clock and no frames.

use std::time::Duration;

use super::Closing;

/// What a connection is held to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// Without messages.
    pub(crate) idle: Duration,
    /// Without anything heard; and then again, without a word on a ping.
    pub(crate) ping: Duration,
    /// In all.
    pub(crate) lifetime: Duration,
}

/// What is known of a connection at one moment.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Seen {
    /// Since it began.
    pub(crate) age: Duration,
    /// Since the last message went either way or was handled.
    pub(crate) idle: Duration,
    /// Since anything was heard.
    pub(crate) quiet: Duration,
    /// Since a ping went out after which nothing was heard.
    pub(crate) pinged: Option<Duration>,
    /// Whether nobody listens, because what was heard before waits for the function.
    pub(crate) is_deaf: bool,
}

/// What to do with a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Look at it again after so long.
    Wait(Duration),
    /// Ask whether it is there.
    Ping,
    /// Say good-bye.
    Close(Closing),
    /// Nobody is there to say it to.
    Cut,
}

impl Pace {
    /// What to do with a connection.
    pub(crate) fn judge(&self, seen: Seen) -> Verdict {
        let left =
            |limit: Duration, passed| limit.checked_sub(passed).filter(|left| !left.is_zero());
        let Some(lifetime) = left(self.lifetime, seen.age) else {
            return Verdict::Close(Closing::LIFETIME);
        };
        let Some(idle) = left(self.idle, seen.idle) else {
            return Verdict::Close(Closing::IDLE);
        };
        let word = match seen.pinged {
            _ if seen.is_deaf => Some(self.ping),
            Some(passed) => left(self.ping, passed),
            None => left(self.ping, seen.quiet),
        };
        match (word, seen.pinged) {
            (Some(word), _) => Verdict::Wait(lifetime.min(idle).min(word)),
            (None, Some(_)) => Verdict::Cut,
            (None, None) => Verdict::Ping,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace = Pace {
        idle: Duration::from_secs(600),
        ping: Duration::from_secs(30),
        lifetime: Duration::from_secs(7_200),
    };

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn silence_is_asked_about_and_then_cut() {
        let seen = |quiet, pinged: Option<u64>| Seen {
            quiet: seconds(quiet),
            pinged: pinged.map(seconds),
            ..Seen::default()
        };
        assert_eq!(PACE.judge(seen(10, None)), Verdict::Wait(seconds(20)));
        assert_eq!(PACE.judge(seen(30, None)), Verdict::Ping);
        assert_eq!(PACE.judge(seen(40, Some(10))), Verdict::Wait(seconds(20)));
        assert_eq!(PACE.judge(seen(60, Some(30))), Verdict::Cut);
        let deaf = Seen {
            is_deaf: true,
            ..seen(60, Some(30))
        };
        assert_eq!(PACE.judge(deaf), Verdict::Wait(seconds(30)));
    }

    #[test]
    fn pings_keep_no_connection_for_ever() {
        let idle = |idle| Seen {
            idle: seconds(idle),
            ..Seen::default()
        };
        assert_eq!(PACE.judge(idle(590)), Verdict::Wait(seconds(10)));
        assert_eq!(PACE.judge(idle(600)), Verdict::Close(Closing::IDLE));
        let old = |age| Seen {
            age: seconds(age),
            ..Seen::default()
        };
        assert_eq!(PACE.judge(old(7_195)), Verdict::Wait(seconds(5)));
        assert_eq!(PACE.judge(old(7_200)), Verdict::Close(Closing::LIFETIME));
    }
}
