//! Whose commits were whose: an engine acknowledges new work only of stretches in which it owned the lane.
//!
//! A reign is known as far as somebody saw it, so its bounds are taken as wide as they may have been: from where the
//! reign before was last seen to where the reign after was first seen. A repetition may come from anybody who owns the
//! lane later; only new work is judged, and nothing of a stretch in which an epoch passed unseen.

use std::collections::{BTreeMap, HashMap};

use super::violation::Violation;
use crate::history::{Command, EngineId, Reign};

/// Judges every acknowledgement of new work against who owned its lane.
pub(super) fn judge(commands: &[Command], reigns: &[Reign], violations: &mut Vec<Violation>) {
    let mut stretches: HashMap<(u16, EngineId), Vec<(u64, u64)>> = HashMap::new();
    let mut unseen: HashMap<u16, Vec<(u64, u64)>> = HashMap::new();
    let mut lanes: BTreeMap<u16, BTreeMap<i64, &Reign>> = BTreeMap::new();
    for reign in reigns {
        lanes.entry(reign.lane).or_default().insert(reign.epoch, reign);
    }
    for (lane, reigns) in &lanes {
        for reign in reigns.values() {
            let before = reigns.range(..reign.epoch).next_back().map_or(0, |(_, before)| before.seq_last_seen);
            let next = reigns.range(reign.epoch + 1..).next().map(|(_, next)| *next);
            let after = next.map_or(u64::MAX, |next| next.seq_first_seen);
            stretches.entry((*lane, reign.engine)).or_default().push((before, after));
            if next.is_some_and(|next| next.epoch > reign.epoch + 1) {
                unseen.entry(*lane).or_default().push((reign.seq_last_seen, after));
            }
        }
    }
    for command in commands {
        for (attempt, answer) in command.acknowledgements().filter(|(_, answer)| !answer.replayed) {
            let id = answer.effect.id;
            if !lanes.contains_key(&id.lane()) {
                continue; // nobody watched this lane
            }
            let its_own = within(stretches.get(&(id.lane(), attempt.engine)), id.seq());
            if !its_own && !within(unseen.get(&id.lane()), id.seq()) {
                violations.push(Violation::ZombieCommit { key: command.key.clone(), engine: attempt.engine, id });
            }
        }
    }
}

fn within(stretches: Option<&Vec<(u64, u64)>>, seq: u64) -> bool {
    stretches.is_some_and(|stretches| stretches.iter().any(|(from, to)| (*from..=*to).contains(&seq)))
}
