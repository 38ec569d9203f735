//! The chart of accounts: data. The posting rules know roles; which number and name an account has is the bank's affair.

use std::collections::BTreeMap;

use super::account::{AccountCode, LedgerAccount};
use crate::currency::Currency;

/// What an account is in the balance sheet or the income statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AccountClass {
    /// What the bank has or is owed.
    Asset,
    /// What the bank owes.
    Liability,
    /// Currency positions and their won equivalents: what passes from one currency to another.
    Position,
    /// What the bank earned.
    Income,
    /// What the bank spent.
    Expense,
}

impl AccountClass {
    /// All of them.
    pub const ALL: [AccountClass; 5] = [
        AccountClass::Asset,
        AccountClass::Liability,
        AccountClass::Position,
        AccountClass::Income,
        AccountClass::Expense,
    ];

    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            AccountClass::Asset => "asset",
            AccountClass::Liability => "liability",
            AccountClass::Position => "position",
            AccountClass::Income => "income",
            AccountClass::Expense => "expense",
        }
    }

    /// The class of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.as_str() == name)
    }
}

macro_rules! roles {
    ($($(#[$doc:meta])* $role:ident = $name:literal, $class:ident, $per_currency:literal;)*) => {
        /// What an account is for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Role { $($(#[$doc])* $role,)* }

        impl Role {
            /// All of them.
            pub const ALL: &'static [Role] = &[$(Role::$role,)*];

            /// The stable name.
            pub const fn as_str(self) -> &'static str {
                match self { $(Role::$role => $name,)* }
            }

            /// The class that an account of this role has.
            pub const fn class(self) -> AccountClass {
                match self { $(Role::$role => AccountClass::$class,)* }
            }

            /// Whether there is one per currency.
            pub const fn is_per_currency(self) -> bool {
                match self { $(Role::$role => $per_currency,)* }
            }
        }
    };
}

roles! {
    /// Won at the central bank.
    WonReserves = "won_reserves", Asset, false;
    /// Foreign currency at correspondents.
    Nostro = "nostro", Asset, true;
    /// Owed by customers after corrections.
    CorrectionReceivable = "correction_receivable", Asset, false;
    /// Control account of the customers' won.
    WonDeposits = "won_deposits", Liability, false;
    /// Control account of the customers' foreign currency.
    ForeignDeposits = "foreign_deposits", Liability, true;
    /// On its way, or waiting for a decision; won too.
    Suspense = "suspense", Liability, true;
    /// Claimed by nobody.
    Unclaimed = "unclaimed", Liability, false;
    /// Interest owed and not paid yet.
    AccruedInterest = "accrued_interest", Liability, false;
    /// Tax withheld from interest.
    WithholdingTax = "withholding_tax", Liability, false;
    /// Open position in a currency.
    Position = "position", Position, true;
    /// What the position cost or brought, in won.
    PositionEquivalent = "position_equivalent", Position, true;
    /// Gains from exchange.
    ExchangeGain = "exchange_gain", Income, false;
    /// Losses from exchange.
    ExchangeLoss = "exchange_loss", Expense, false;
    /// Gains from revaluation.
    RevaluationGain = "revaluation_gain", Income, false;
    /// Losses from revaluation.
    RevaluationLoss = "revaluation_loss", Expense, false;
    /// Interest spent.
    InterestExpense = "interest_expense", Expense, false;
    /// Lost by corrections.
    CorrectionLoss = "correction_loss", Expense, false;
}

impl Role {
    /// The role of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|role| role.as_str() == name)
    }

    /// In what an account of this role is counted, of this currency where it has one.
    pub fn counted_in(self, of: Option<Currency>) -> Currency {
        match (self, of) {
            (Role::PositionEquivalent, _) | (_, None) => Currency::KRW,
            (_, Some(currency)) => currency,
        }
    }
}

/// A line of the chart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChartAccount {
    /// Its number.
    pub code: AccountCode,
    /// Its name.
    pub name: String,
    /// What it is in the balance sheet or the income statement.
    pub class: AccountClass,
    /// What the posting rules use it for.
    pub role: Role,
    /// Whether there is one per currency.
    pub per_currency: bool,
}

/// Why lines are no chart.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChartError {
    /// A number stands twice.
    #[error("account {0} stands twice: give each account a number of its own")]
    DuplicateCode(AccountCode),
    /// A role stands twice.
    #[error("role {role} is given to {first} and to {second}: give it to one account", role = role.as_str())]
    DuplicateRole {
        /// The role.
        role: Role,
        /// The first account.
        first: AccountCode,
        /// The second.
        second: AccountCode,
    },
    /// A role is missing.
    #[error("no account has the role {role}: add one", role = .0.as_str())]
    MissingRole(Role),
    /// A name is empty.
    #[error("account {0} has no name: give it one")]
    NoName(AccountCode),
    /// The class is not that of the role.
    #[error("account {code} of the role {role} is of the class {class}: write it so", role = role.as_str(), class = role.class().as_str())]
    Class {
        /// The account.
        code: AccountCode,
        /// Its role.
        role: Role,
    },
    /// One per currency where the role has one for all, or the reverse.
    #[error("per_currency of account {code} is {expected}, as its role {role} says: write it so", role = role.as_str(), expected = role.is_per_currency())]
    PerCurrency {
        /// The account.
        code: AccountCode,
        /// Its role.
        role: Role,
    },
}

/// The chart of accounts: each role has one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chart {
    by_code: BTreeMap<AccountCode, ChartAccount>,
    /// By the role's place in [`Role::ALL`].
    codes: Vec<AccountCode>,
}

impl Chart {
    /// A chart of these accounts.
    pub fn new(accounts: Vec<ChartAccount>) -> Result<Self, ChartError> {
        let mut by_code = BTreeMap::new();
        let mut by_role: BTreeMap<Role, AccountCode> = BTreeMap::new();
        for account in accounts {
            let (code, role) = (account.code, account.role);
            if account.name.trim().is_empty() {
                return Err(ChartError::NoName(code));
            }
            if account.class != role.class() {
                return Err(ChartError::Class { code, role });
            }
            if account.per_currency != role.is_per_currency() {
                return Err(ChartError::PerCurrency { code, role });
            }
            if by_code.insert(code, account).is_some() {
                return Err(ChartError::DuplicateCode(code));
            }
            if let Some(first) = by_role.insert(role, code) {
                return Err(ChartError::DuplicateRole { role, first, second: code });
            }
        }
        let code_of = |role: &Role| by_role.get(role).copied().ok_or(ChartError::MissingRole(*role));
        let codes = Role::ALL.iter().map(code_of).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { by_code, codes })
    }

    /// The account of this number.
    pub fn find(&self, code: AccountCode) -> Option<&ChartAccount> {
        self.by_code.get(&code)
    }

    /// All accounts, by number.
    pub fn iter(&self) -> impl Iterator<Item = &ChartAccount> {
        self.by_code.values()
    }

    /// The number of the account of a role.
    pub fn code(&self, role: Role) -> AccountCode {
        // Roles are numbered as they are listed, and the constructor has found each of them.
        *self.codes.get(role as usize).expect("a chart has an account for every role")
    }

    /// The account of a role for all currencies.
    pub fn account(&self, role: Role) -> LedgerAccount {
        LedgerAccount { code: self.code(role), of: None }
    }

    /// The account of a role for one currency.
    pub fn account_of(&self, role: Role, currency: Currency) -> LedgerAccount {
        LedgerAccount { code: self.code(role), of: Some(currency) }
    }

    /// The control account of customers' money in a currency.
    pub fn control(&self, currency: Currency) -> LedgerAccount {
        if currency.is_home() {
            self.account(Role::WonDeposits)
        } else {
            self.account_of(Role::ForeignDeposits, currency)
        }
    }

    /// What the account of this number is for.
    pub fn role(&self, code: AccountCode) -> Option<Role> {
        self.find(code).map(|account| account.role)
    }
}
