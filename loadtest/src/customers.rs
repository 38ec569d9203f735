//! The file of ids: what `seed` opened, so that later runs use it again.
//!
//! A heading, then a line a customer: customer, won account, foreign account, with tabs between. Only appended to; a
//! last line without its end, as an interrupted run leaves it, is dropped.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Write},
    path::Path,
};

use anyhow::{Context, Result, bail, ensure};

/// Characters of an id: a prefix of three, `_`, 13 of base 32.
pub(crate) const ID_LEN: usize = 17;

/// How much money the customers of a file were given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wealth {
    /// Enough for thousands of exchanges each.
    Normal,
    /// Enough for millions.
    Hot,
}

impl Wealth {
    fn heading(self) -> &'static str {
        match self {
            Self::Normal => "# hwan-loadtest customers v1 normal",
            Self::Hot => "# hwan-loadtest customers v1 hot",
        }
    }
}

/// A seeded customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SeededCustomer {
    pub(crate) id: String,
    pub(crate) won_account: String,
    pub(crate) foreign_account: String,
}

/// What a file holds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CustomersFile {
    pub(crate) wealth: Wealth,
    pub(crate) customers: Vec<SeededCustomer>,
    /// Bytes of whole lines: where appending goes on.
    whole_bytes: u64,
}

/// Reads the file; `None` if there is none.
pub(crate) fn read(path: &Path) -> Result<Option<CustomersFile>> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("{} cannot be read", path.display())),
    };
    parse(&text).map(Some).with_context(|| format!("{} is not a file that seed wrote", path.display()))
}

fn parse(text: &str) -> Result<CustomersFile> {
    let whole = text.rfind('\n').map_or("", |end| text.get(..=end).unwrap_or_default());
    let mut lines = whole.lines();
    let wealth = match lines.next() {
        Some(line) if line == Wealth::Normal.heading() => Wealth::Normal,
        Some(line) if line == Wealth::Hot.heading() => Wealth::Hot,
        other => bail!("unknown heading {other:?}"),
    };
    let mut customers = Vec::new();
    for line in lines {
        let mut ids = line.split('\t');
        let mut id = |prefix: &str| {
            let id = ids.next().unwrap_or_default();
            ensure!(id.len() == ID_LEN && id.starts_with(prefix), "not an id: {id:?} in line {line:?}");
            Ok(id.to_owned())
        };
        customers.push(SeededCustomer { id: id("cus_")?, won_account: id("acc_")?, foreign_account: id("acc_")? });
    }
    Ok(CustomersFile { wealth, customers, whole_bytes: u64::try_from(whole.len())? })
}

/// Appends to a file.
#[derive(Debug)]
pub(crate) struct CustomersWriter {
    file: BufWriter<File>,
}

impl CustomersWriter {
    /// Opens `path` behind what `known` says it holds, or anew.
    pub(crate) fn open(path: &Path, known: Option<&CustomersFile>, wealth: Wealth) -> Result<Self> {
        let open = || -> io::Result<Self> {
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)?;
            }
            let file = OpenOptions::new().create(true).append(true).open(path)?;
            file.set_len(known.map_or(0, |known| known.whole_bytes))?;
            let mut file = BufWriter::new(file);
            if known.is_none() {
                writeln!(file, "{}", wealth.heading())?;
            }
            Ok(Self { file })
        };
        open().with_context(|| format!("{} cannot be written", path.display()))
    }

    /// Appends a customer.
    pub(crate) fn append(&mut self, customer: &SeededCustomer) -> io::Result<()> {
        writeln!(self.file, "{}\t{}\t{}", customer.id, customer.won_account, customer.foreign_account)
    }

    /// Hands everything to the file.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn customer(number: u32) -> SeededCustomer {
        SeededCustomer {
            id: format!("cus_{number:013}"),
            won_account: format!("acc_{number:013}"),
            foreign_account: format!("acc_{:013}", number + 1),
        }
    }

    #[test]
    fn what_was_appended_is_read_and_appending_goes_on_behind_a_torn_line() {
        let path = std::env::temp_dir().join(format!("hwan-loadtest-{}.tsv", uuid::Uuid::now_v7()));
        let mut writer = CustomersWriter::open(&path, None, Wealth::Hot).unwrap();
        writer.append(&customer(1)).unwrap();
        writer.flush().unwrap();
        fs::write(&path, fs::read_to_string(&path).unwrap() + "cus_00000").unwrap();
        let known = read(&path).unwrap().unwrap();
        assert_eq!((known.wealth, known.customers.as_slice()), (Wealth::Hot, [customer(1)].as_slice()));
        let mut writer = CustomersWriter::open(&path, Some(&known), Wealth::Hot).unwrap();
        writer.append(&customer(7)).unwrap();
        writer.flush().unwrap();
        assert_eq!(read(&path).unwrap().unwrap().customers, [customer(1), customer(7)]);
        fs::remove_file(&path).unwrap();
        assert_eq!(read(&path).unwrap(), None);
    }

    #[test]
    fn a_file_of_another_kind_is_refused() {
        for text in ["", "cus_1\n", "# hwan-loadtest customers v1 normal\ncus_1\tacc_1\tacc_2\n"] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }
}
