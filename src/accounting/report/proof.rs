//! The proof that engine and books agree, printed.

use std::io::{self, Write};

use serde_json::json;

use super::{
    shown::{Format, sum, write_json},
    table::{Align, Table},
};
use crate::accounting::compare::{Compared, LaneProof};

/// Writes the proof that engine and books agree; whether they do.
pub fn write(proofs: &[LaneProof], format: Format, out: &mut impl Write) -> io::Result<bool> {
    let agrees = proofs.iter().all(LaneProof::agrees);
    let lines = || proofs.iter().flat_map(|proof| proof.compared.iter().map(move |compared| (proof, compared)));
    if format == Format::Json {
        let lane = |proof: &LaneProof| {
            let compared = proof.compared.iter().map(|Compared { currency, customers, control }| {
                json!({
                    "currency": currency.code(), "customers": sum(*customers, *currency),
                    "control": sum(*control, *currency), "agrees": customers == control,
                })
            });
            json!({
                "lane": proof.lane.number(), "engine_seq": proof.engine_seq.number(),
                "ledger_seq": proof.ledger_seq.number(), "dead_letters": proof.dead_letters, "fault": proof.fault,
                "agrees": proof.agrees(), "compared": compared.collect::<Vec<_>>(),
            })
        };
        write_json(out, &json!({ "agrees": agrees, "lanes": proofs.iter().map(lane).collect::<Vec<_>>() }))?;
        return Ok(agrees);
    }
    let mut table = Table::of(&[
        ("lane", Align::Right),
        ("engine", Align::Right),
        ("ledger", Align::Right),
        ("currency", Align::Left),
        ("customers", Align::Right),
        ("control", Align::Right),
        ("", Align::Left),
    ]);
    for (proof, compared) in lines() {
        let Compared { currency, customers, control } = *compared;
        let verdict = if compared.agrees() {
            "agrees".to_owned()
        } else {
            format!("DIFFERS by {}", sum(control - customers, currency))
        };
        table.row([
            proof.lane.number().to_string(),
            proof.engine_seq.number().to_string(),
            proof.ledger_seq.number().to_string(),
            currency.to_string(),
            sum(customers, currency),
            sum(control, currency),
            verdict,
        ]);
    }
    table.write(out)?;
    for proof in proofs {
        if let Some(fault) = &proof.fault {
            writeln!(out, "lane {}: {fault}", proof.lane)?;
        }
        if proof.dead_letters > 0 {
            let waits = proof.dead_letters;
            writeln!(out, "lane {}: {waits} records wait to be redelivered, what they moved is missing", proof.lane)?;
        }
    }
    writeln!(out, "\n{}", if agrees { "engine and books agree" } else { "engine and books do NOT agree" })?;
    Ok(agrees)
}

#[cfg(test)]
mod tests {
    use hwan_domain::{
        currency::Currency,
        id::{LaneId, Seq},
    };

    use super::*;
    use crate::accounting::report::shown::printed;

    #[test]
    fn a_difference_is_said_to_the_unit_and_a_lane_that_cannot_be_compared_by_its_reason() {
        let lane = |customers, fault: Option<&str>| LaneProof {
            lane: LaneId::FIRST,
            engine_seq: Seq::new(9).unwrap(),
            ledger_seq: Seq::new(9).unwrap(),
            dead_letters: 0,
            fault: fault.map(str::to_owned),
            compared: vec![Compared { currency: Currency::KRW, customers, control: 864_950 }],
        };
        let (is_fine, text) = printed(|out| write(&[lane(864_950, None)], Format::Table, out));
        assert!(is_fine && text.ends_with("\nengine and books agree\n"), "{text}");
        let (is_fine, text) = printed(|out| write(&[lane(864_951, None)], Format::Table, out));
        assert!(!is_fine && text.contains("DIFFERS by -1") && text.ends_with("do NOT agree\n"), "{text}");
        let (is_fine, text) = printed(|out| write(&[lane(864_950, Some("its store went back"))], Format::Table, out));
        assert!(!is_fine && text.contains("lane 1: its store went back"), "{text}");
        assert!(!printed(|out| write(&[lane(1, None)], Format::Json, out)).0);
    }
}
