//! Strategy 1 on a thread of its own: proves the chain of hashes, skims the texts and has the domain's walker follow them.
//!
//! Pages come through a channel of two, so that the next one is read while one is followed.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        mpsc::{SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
};

use hwan_domain::{
    currency::CurrencySet,
    id::Seq,
    reconciliation::{Break, BreakKind, Check, Movement, Subject, Walker},
};

use crate::storage::{
    codec::{self, Skimmer},
    port::{ChainHash, StoreError},
    reconciliation::{
        journal_sums::Adder,
        port::{JournalTexts, StoredText},
    },
};

/// Pages that wait to be followed.
const PAGES_WAITING_MAX: usize = 2;

/// The walk over a lane.
pub(super) struct Walk {
    /// The domain's part.
    pub(super) walker: Walker,
    /// What the posting rules make of the records, added up.
    pub(super) journals: Adder,
    /// The hashes of the records that were asked for.
    pub(super) hashes: HashMap<Seq, Option<ChainHash>>,
    currencies: Arc<CurrencySet>,
    skimmer: Skimmer,
}

impl Walk {
    /// Begins where the walker stands; remembers the hashes of some records on its way.
    pub(super) fn new(walker: Walker, currencies: Arc<CurrencySet>, wanted: impl IntoIterator<Item = Seq>) -> Self {
        let skimmer = Skimmer::new(&currencies);
        let hashes = wanted.into_iter().map(|seq| (seq, None)).collect();
        Self { walker, journals: Adder::default(), hashes, currencies, skimmer }
    }

    /// Follows a page.
    pub(super) fn follow(&mut self, texts: &JournalTexts) {
        for (row, text) in texts.iter() {
            self.prove(row, text);
            match self.movement(text) {
                Ok(movement) if movement.event.position == row.position => {
                    let journals = &mut self.journals;
                    self.walker.follow(&movement, row.hash.0, &mut |journal| journals.add(journal));
                }
                Ok(movement) => {
                    let found = format!("the text of {:?}", movement.event.position);
                    self.damaged(row, BreakKind::Orphan, found, "the text is another record's".to_owned());
                    self.walker.pass_over(row.position, row.hash.0);
                }
                Err(error) => {
                    let text = format!("it is passed over, its postings are missing: {error}");
                    self.damaged(row, BreakKind::Amount, "a text that is no record".to_owned(), text);
                    self.walker.pass_over(row.position, row.hash.0);
                }
            }
            if let Some(hash) = self.hashes.get_mut(&row.position.seq()) {
                *hash = Some(row.hash);
            }
        }
    }

    /// What a text says.
    pub(super) fn movement(&mut self, text: &str) -> Result<Movement, StoreError> {
        match self.skimmer.read(text) {
            Some(movement) => Ok(movement),
            None => codec::decode(text, &self.currencies).map(|record| Movement::from(&record)),
        }
    }

    fn prove(&mut self, row: &StoredText, text: &str) {
        // After a gap nobody knows what the hash ran over: the gap itself is noted.
        let follows = self.walker.at().next() == Some(row.position.seq());
        if follows && codec::chain(ChainHash(self.walker.hash()), text) != row.hash {
            let found = "another one".to_owned();
            let text =
                "the record's text or its hash was changed after it was written: nothing of the engine's does that";
            self.damaged(row, BreakKind::Amount, found, text.to_owned());
        }
    }

    fn damaged(&mut self, row: &StoredText, kind: BreakKind, found: String, explanation: String) {
        self.walker.note(Break {
            kind,
            check: Check::JournalChain,
            subject: Subject::record(row.position),
            expected: "the record that its hash was made of".to_owned(),
            found,
            explanation,
        });
    }
}

/// A walk on its thread.
pub(super) struct Walking {
    pages: SyncSender<JournalTexts>,
    thread: JoinHandle<Walk>,
}

impl Walking {
    /// Sets off.
    pub(super) fn start(mut walk: Walk) -> Result<Self, StoreError> {
        let (pages, waiting) = sync_channel::<JournalTexts>(PAGES_WAITING_MAX);
        let thread = thread::Builder::new()
            .name("reconcile-walk".to_owned())
            .spawn(move || {
                super::run::give_way();
                waiting.iter().for_each(|page| walk.follow(&page));
                walk
            })
            .map_err(|error| StoreError::Unavailable(format!("no thread to reconcile on: {error}")))?;
        Ok(Self { pages, thread })
    }

    /// Hands over a page; waits while two are waiting.
    pub(super) fn take(&self, page: JournalTexts) -> Result<(), StoreError> {
        self.pages.send(page).map_err(|_| ended())
    }

    /// The walk, once it has followed everything.
    pub(super) fn finish(self) -> Result<Walk, StoreError> {
        drop(self.pages);
        self.thread.join().map_err(|_| ended())
    }
}

fn ended() -> StoreError {
    StoreError::Unavailable("the walk over the journal ended early: see the log".to_owned())
}
