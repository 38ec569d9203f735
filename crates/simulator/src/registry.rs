//! Who belongs to which channel, and what a confined caller is told of everybody else.

use std::collections::BTreeMap;

use hwan::{
    actors::command::{Command, Order, Reach},
    storage::port::JournalRow,
};
use hwan_domain::{
    id::{AccountId, CustomerId, ExchangeId},
    record::Event,
    rejection::Code,
};

use crate::history::{Act, Op};

/// The channels of all customers, the owners of all accounts: neither changes.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    pub(crate) channels: BTreeMap<CustomerId, String>,
    pub(crate) owners: BTreeMap<AccountId, CustomerId>,
}

impl Registry {
    pub(crate) fn of(rows: &[Vec<JournalRow>]) -> Self {
        let mut registry = Self::default();
        for record in rows.iter().flatten().map(|row| &row.record) {
            match &record.event {
                Event::CustomerOpened { channel, .. } => {
                    let channel = channel.as_deref().unwrap_or(&record.origin.caller).to_owned();
                    registry.channels.insert(CustomerId::at(record.position), channel);
                }
                Event::AccountOpened { customer, .. } => {
                    registry.owners.insert(AccountId::at(record.position), *customer);
                }
                _ => {}
            }
        }
        registry
    }

    /// Whether a customer is not there for who asks.
    pub(crate) fn hides(&self, op: &Op, customer: CustomerId) -> bool {
        op.reach == Reach::OwnCustomers && self.channels.get(&customer).is_none_or(|channel| **channel != *op.caller)
    }

    /// What a confined caller is told who asks this.
    pub(crate) fn hidden_of(&self, op: &Op) -> Option<(Code, String)> {
        let customer = |id: &CustomerId| self.hides(op, *id).then(|| (Code::CustomerNotFound, id.to_string()));
        match &op.act {
            Act::Command(command) => self.hidden(op, command),
            Act::Quote(order, _) | Act::Trial(order) => customer(&order.customer),
            Act::Board(_) | Act::ReadCustomer(_) | Act::ReadAccount(_) | Act::ReadRecord(_) => None,
        }
    }

    pub(crate) fn hides_account(&self, op: &Op, account: AccountId) -> bool {
        op.reach == Reach::OwnCustomers && self.owners.get(&account).is_none_or(|owner| self.hides(op, *owner))
    }

    /// What a confined caller is told, and in which words, where it names what is not there for it: as if it did not
    /// exist. `None` where all of it is.
    fn hidden(&self, op: &Op, command: &Command) -> Option<(Code, String)> {
        let account = |id: &AccountId| self.hides_account(op, *id).then(|| (Code::AccountNotFound, id.to_string()));
        let customer = |id: &CustomerId| self.hides(op, *id).then(|| (Code::CustomerNotFound, id.to_string()));
        match command {
            _ if op.reach == Reach::All => None,
            Command::OpenCustomer { .. } => None,
            Command::OpenAccount { customer: id, .. } | Command::StateCustomerFact { customer: id, .. } => customer(id),
            Command::StateAccountFact { account: id, .. }
            | Command::CloseAccount { account: id, .. }
            | Command::Deposit { account: id, .. }
            | Command::Withdraw { account: id, .. }
            | Command::PayInterest { account: id, .. } => account(id),
            Command::Transfer { from, to, .. } => account(from).or_else(|| account(to)),
            Command::Exchange(order) => match order.as_ref() {
                Order::AtQuote(quote) => customer(&quote.customer),
                Order::AtMarket(order) => customer(&order.customer),
            },
            Command::Reverse { exchange, .. } => {
                let id = ExchangeId::at(exchange.position);
                let hidden = exchange.event.customer().is_some_and(|customer| self.hides(op, customer));
                hidden.then(|| (Code::ExchangeNotFound, format!("nothing has the id {id}")))
            }
        }
    }
}
