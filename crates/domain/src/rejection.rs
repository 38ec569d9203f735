//! The closed catalogue of rejections: business answers, after which nothing has happened.
//!
//! A rejection is the customer's answer; a failure (a lost store, a bug) is ours and another type. Every check is
//! evaluated and all violations are reported; the order of [`Code`] is their precedence, the first is the main code.
//! `docs/rejections.md` lists each code with its meaning and what to do; a test keeps the two equal.

use std::fmt;

use smallvec::SmallVec;

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $text:literal,)*) => {
        /// Why a command was rejected, in order of precedence: what is declared first outranks what follows.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code { $($(#[doc = $doc])+ $name,)* }

        impl Code {
            /// All codes, in order of precedence.
            pub const ALL: &'static [Code] = &[$(Code::$name,)*];

            /// The stable text of the code, as it stands in an answer.
            pub const fn as_str(self) -> &'static str {
                match self { $(Code::$name => $text,)* }
            }

            /// What it means, in a sentence.
            pub const fn meaning(self) -> &'static str {
                match self { $(Code::$name => concat!($($doc),+).trim_ascii(),)* }
            }
        }
    };
}

codes! {
    /// The customer does not exist, or is not the caller's to use.
    CustomerNotFound = "customer_not_found",
    /// The account does not exist, belongs to another customer, or does not hold this currency.
    AccountNotFound = "account_not_found",
    /// The exchange does not exist.
    ExchangeNotFound = "exchange_not_found",
    /// The exchange was reversed before.
    AlreadyReversed = "already_reversed",
    /// The account has changed since the revision that was expected.
    VersionMismatch = "version_mismatch",
    /// The account is closed.
    AccountClosed = "account_closed",
    /// A loss or theft is reported for the account.
    AccidentReported = "accident_reported",
    /// The customer's death is reported.
    Deceased = "deceased",
    /// The account is dormant.
    Dormant = "dormant",
    /// The account is suspended, having been unused for long.
    Suspended = "suspended",
    /// The account, or an amount of it, is seized.
    Seized = "seized",
    /// Payments from the account are stopped by law.
    PaymentStopped = "payment_stopped",
    /// Fraud is reported for the account.
    FraudReported = "fraud_reported",
    /// The account is pledged, or a certificate of its balance was issued today.
    Pledged = "pledged",
    /// The daily cap of a limited account is reached.
    LimitedAccount = "limited_account",
    /// The customer is below the product's age.
    Minor = "minor",
    /// The customer's identity has to be verified again.
    KycExpired = "kyc_expired",
    /// The customer's credentials are locked.
    CredentialLocked = "credential_locked",
    /// The customer is bankrupt.
    Bankrupt = "bankrupt",
    /// The customer is sanctioned, or the residency is missing.
    Sanctioned = "sanctioned",
    /// A leg would be zero: there is nothing to move.
    AmountTooSmall = "amount_too_small",
    /// The amount, or the balance after it, is beyond what an account can hold.
    AmountTooLarge = "amount_too_large",
    /// No amount of the foreign currency is worth exactly this won amount at this rate.
    WonAmountNotExact = "won_amount_not_exact",
    /// Debit and credit name the same account.
    SameAccount = "same_account",
    /// The customer already has an account of this kind.
    AccountExists = "account_exists",
    /// The account holds or awaits money and cannot be closed.
    AccountNotEmpty = "account_not_empty",
    /// The accounts live in different lanes, between which money does not move yet.
    LanesDiffer = "lanes_differ",
    /// The fact cannot stand against this account or customer as stated.
    FactInvalid = "fact_invalid",
    /// As many facts as one account or customer can have are in force or scheduled.
    FactsFull = "facts_full",
    /// The bank does not trade this pair.
    PairNotFound = "pair_not_found",
    /// The pair is halted and does not trade.
    PairHalted = "pair_halted",
    /// There is no valid round for the pair.
    RateUnavailable = "rate_unavailable",
    /// The round was voided.
    RoundVoided = "round_voided",
    /// The round does not exist.
    RoundNotFound = "round_not_found",
    /// What was published cannot be a round: its validity, spread, preference or sources are out of range.
    RoundInvalid = "round_invalid",
    /// A cover trade's numbers cannot be: its rate is none of the currency's, or its won is not the amount at that rate.
    CoverInvalid = "cover_invalid",
    /// The pair cannot be halted or resumed as asked: it is already so, or it takes a second person.
    HaltRefused = "halt_refused",
    /// The business date is later than the day after the clock's.
    BusinessDateTooFar = "business_date_too_far",
    /// What is asked for lies ahead of the account's time or business date.
    AsOfInFuture = "as_of_in_future",
    /// The account was opened later than that.
    AsOfBeforeOpening = "as_of_before_opening",
    /// The quote has expired.
    QuoteExpired = "quote_expired",
    /// The quote was used before.
    QuoteUsed = "quote_used",
    /// The rate is worse than the worst that was accepted.
    RateWorse = "rate_worse",
    /// The customer's daily limit into foreign currency would be exceeded.
    LimitDaily = "limit_daily",
    /// The customer's monthly limit into foreign currency would be exceeded.
    LimitMonthly = "limit_monthly",
    /// The holding cap of the currency would be exceeded.
    HoldingLimit = "holding_limit",
    /// The available balance does not cover the debit.
    InsufficientBalance = "insufficient_balance",
    /// The bank pays no interest on this account: interest is switched off, or its currency bears none.
    InterestNotOffered = "interest_not_offered",
    /// No interest is due: it was paid through yesterday, or what accrued since is less than the smallest amount.
    NothingAccrued = "nothing_accrued",
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One failed check.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    /// Which.
    pub code: Code,
    /// What was found and what would do, with values; no names, no secrets.
    pub detail: String,
}

impl Violation {
    /// A failed check with its values.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }
}

/// The violations found so far, while a command travels; empty for most.
pub type Violations = SmallVec<[Violation; 1]>;

/// A business refusal: at least one violation, in order of precedence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    violations: Violations,
}

impl Rejection {
    /// Of the violations found; `None` where there are none. Sorts by precedence and drops repeats; two accounts that
    /// fail one check are two violations.
    pub fn of(mut violations: Violations) -> Option<Self> {
        violations.sort();
        violations.dedup();
        (!violations.is_empty()).then_some(Self { violations })
    }

    /// Of a single violation.
    pub fn one(code: Code, detail: impl Into<String>) -> Self {
        Self { violations: SmallVec::from_iter([Violation::new(code, detail)]) }
    }

    /// The main code: the first by precedence.
    pub fn code(&self) -> Code {
        self.violations.first().map_or(Code::AccountNotFound, |first| first.code) // never empty, by construction
    }

    /// All violations, in order of precedence.
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, violation) in self.violations.iter().enumerate() {
            let gap = if index == 0 { "" } else { "; " };
            write!(f, "{gap}{}: {}", violation.code, violation.detail)?;
        }
        Ok(())
    }
}
