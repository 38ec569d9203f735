//! Interest by way of the façade: what an account may claim, and claiming it.
//!
//! What accrued is reckoned here, from the closings of days that are over, and judged again where it is sequenced: that no
//! other claim came first, that the days are over by the record's own date, that the account may take a credit. A claim
//! that came too late is reckoned anew, and finds nothing.
//!
//! | step | what holds |
//! |---|---|
//! | look | the account as it stands in its lane, and the lane's business date; answered once all that was sequenced before is durable |
//! | wait | the projections reach that point, for `PROJECTION_WAIT_MAX` at most: so the days before that date are closed and whole |
//! | reckon | closings of those days × rate of the day: such days never change, so neither does what was reckoned |
//! | claim | an ordinary command: key, mailbox, sequencing; the day it begins with is used up once, in the journal's index too |

use hwan_domain::{
    account::AccountKind,
    currency::Currency,
    id::AccountId,
    interest::{InterestError, Period, accrue},
    rejection::{Code, Rejection},
    time::BusinessDate,
};

use super::{
    command::{Caller, Claim, Command, Executed, NotDone, Refusal, Viewer},
    engine::Engine,
    look::Sight,
    view::{AccountView, InterestView},
};

/// How often a claim is reckoned anew before it is answered that nothing is left: each time another one came first.
const CLAIMS_MAX: usize = 3;

/// What became of a claim.
#[derive(Clone, Debug)]
pub enum Claimed {
    /// Interest was paid; by this request, or by an earlier one with its key.
    Paid(Executed),
    /// Nothing is due. Nothing happened, and nothing is remembered of it.
    Nothing(Box<InterestView>),
}

impl Engine {
    /// What interest an account could claim now: nothing is changed. `None` if there is no such account.
    pub async fn interest(&self, who: &Viewer, account: AccountId) -> Result<Option<InterestView>, Refusal> {
        let Some(view) = self.due(who, account).await? else { return Ok(None) };
        if !view.is_offered {
            return Err(Refusal::Rejected(not_offered(account)));
        }
        Ok(Some(view))
    }

    /// Pays an account the interest of the days since it was paid last, through the day before its lane's business date.
    pub async fn pay_interest(&self, caller: Caller, account: AccountId) -> Result<Claimed, Refusal> {
        self.judge_key(&caller)?;
        let mut claims = 0;
        loop {
            claims += 1;
            let absent = || Refusal::Rejected(Rejection::one(Code::AccountNotFound, account.to_string()));
            let view = self.due(&caller.who, account).await?.ok_or_else(absent)?;
            let claim = match &view.interest {
                _ if !view.is_offered => Claim::NotOffered,
                Some(interest) if !interest.net.is_zero() => Claim::Due(Box::new(interest.clone())),
                _ => Claim::Nothing,
            };
            let was_due = matches!(claim, Claim::Due(_));
            // Even where nothing is due: an earlier request with this key may have been paid.
            let outcome = self.execute(caller.clone(), Command::PayInterest { account, claim }).await;
            match outcome {
                Ok(executed) => return Ok(Claimed::Paid(executed)),
                Err(Refusal::Rejected(rejection)) if rejection.code() == Code::NothingAccrued => {
                    if !was_due {
                        return Ok(Claimed::Nothing(Box::new(view)));
                    }
                    if claims >= CLAIMS_MAX {
                        return Ok(Claimed::Nothing(Box::new(InterestView { interest: None, ..view })));
                    }
                }
                Err(refusal) => return Err(refusal),
            }
        }
    }

    async fn due(&self, who: &Viewer, account: AccountId) -> Result<Option<InterestView>, Refusal> {
        let Some(owner) = self.owner(account, false).await? else { return Ok(None) };
        let seen = self.look(who, owner, |reply| Sight::AsSequenced(account, reply)).await;
        let Some((seen, newest)) = super::looks::absent_is_none(seen)? else { return Ok(None) };
        let AccountView { state, at, business_date, .. } = seen;
        let (currency, rates) = (Currency::KRW, &self.0.common.interest);
        let mut view = InterestView {
            account,
            customer: state.customer,
            paid_through: state.paid_through,
            is_offered: state.kind == AccountKind::Won && rates.offers(currency),
            annual_percent: rates.on(currency, business_date),
            interest: None,
            at,
            business_date,
        };
        if !view.is_offered {
            return Ok(Some(view));
        }
        let _passage = self.0.door.enter()?;
        let opened = match state.paid_through {
            Some(paid) => paid,
            None => self.opened_on(account, business_date).await?,
        };
        let Some(period) = Period::due(state.paid_through, opened, business_date) else { return Ok(Some(view)) };
        self.projected_to(account.lane(), newest).await?;
        let closings = self.0.common.store.daily_closings(account, currency, period).await;
        let closings = closings.map_err(|error| unread(account, &error))?;
        view.interest = match accrue(rates, currency, period, &closings) {
            Ok(interest) => Some(interest),
            Err(error @ InterestError::Overflow) => {
                return Err(Refusal::Rejected(Rejection::one(Code::AmountTooLarge, error.to_string())));
            }
            Err(error) => return Err(unread(account, &error)),
        };
        Ok(Some(view))
    }

    /// The business date on which an account was opened. Where the journal no longer has the record, whatever its
    /// account held is older than what is kept, and the account is paid from the first day with a posting: before it the
    /// balance was nothing.
    async fn opened_on(&self, account: AccountId, today: BusinessDate) -> Result<BusinessDate, Refusal> {
        let store = &self.0.common.store;
        let openings = store.records(&[account.position()]).await.map_err(|error| unread(account, &error))?;
        if let Some(opening) = openings.first() {
            return Ok(opening.business_date);
        }
        let entries = store.passbook(account, 0, 1).await.map_err(|error| unread(account, &error))?;
        Ok(entries.first().map_or(today, |entry| entry.business_date))
    }
}

/// That the bank pays no interest on an account.
pub(super) fn not_offered(account: AccountId) -> Rejection {
    let detail = format!("{account}: interest is switched off, or what the account holds bears none");
    Rejection::one(Code::InterestNotOffered, detail)
}

/// What a claim is told whose days could not be read: nothing was changed, it may be tried again.
fn unread(account: AccountId, error: &dyn std::error::Error) -> Refusal {
    tracing::error!(%account, %error, "interest could not be reckoned: look at the account's daily closings");
    Refusal::NotDone(NotDone::LaneClosed)
}
