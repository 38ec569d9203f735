//! Rows gathered column by column, until they make a row group. Callers: `table`, `file`.

use std::io::Write;

use parquet::{
    basic::Type as Physical,
    data_type::{ByteArray, ByteArrayType, FixedLenByteArray, FixedLenByteArrayType, Int32Type, Int64Type},
    errors::{ParquetError, Result},
    file::writer::SerializedFileWriter,
    schema::types::{ColumnDescriptor, SchemaDescriptor},
};

/// The values of a column; those that are missing stand among the levels alone.
#[derive(Debug)]
enum Values {
    Whole(Vec<i32>),
    Long(Vec<i64>),
    Text(Vec<ByteArray>),
    Fixed(Vec<FixedLenByteArray>),
}

/// A column of the row group that is being gathered.
#[derive(Debug)]
struct Column {
    values: Values,
    /// 1 where a value is, 0 where none is; `None` where there always is one.
    levels: Option<Vec<i16>>,
}

/// The columns of a table, filled row by row.
#[derive(Debug)]
pub(crate) struct Columns {
    columns: Vec<Column>,
    next: usize,
    rows: usize,
    bytes: usize,
}

impl Columns {
    /// Empty ones of a schema.
    pub(crate) fn of(schema: &SchemaDescriptor) -> Self {
        let empty = |column: &std::sync::Arc<ColumnDescriptor>| Column {
            values: match column.physical_type() {
                Physical::INT32 => Values::Whole(Vec::new()),
                Physical::INT64 => Values::Long(Vec::new()),
                Physical::FIXED_LEN_BYTE_ARRAY => Values::Fixed(Vec::new()),
                _ => Values::Text(Vec::new()),
            },
            levels: (column.max_def_level() > 0).then(Vec::new),
        };
        Self { columns: schema.columns().iter().map(empty).collect(), next: 0, rows: 0, bytes: 0 }
    }

    /// Rows that are gathered.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// About what they hold, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// A value of the next column, or none; what does not fit the schema is left out, and found when the group is written.
    fn put<T>(&mut self, value: Option<T>, bytes: usize, push: impl FnOnce(&mut Values, T)) {
        let Some(column) = self.columns.get_mut(self.next) else { return };
        if let Some(levels) = &mut column.levels {
            levels.push(i16::from(value.is_some()));
        }
        if let Some(value) = value {
            push(&mut column.values, value);
        }
        self.bytes += bytes;
        self.next += 1;
    }

    pub(crate) fn whole(&mut self, value: impl Into<Option<i32>>) {
        self.put(value.into(), 4, |values, value| {
            if let Values::Whole(all) = values {
                all.push(value);
            }
        });
    }

    pub(crate) fn long(&mut self, value: impl Into<Option<i64>>) {
        self.put(value.into(), 8, |values, value| {
            if let Values::Long(all) = values {
                all.push(value);
            }
        });
    }

    pub(crate) fn text<'a>(&mut self, value: impl Into<Option<&'a str>>) {
        let value = value.into();
        self.put(value, value.map_or(0, |text| text.len() + 32), |values, value| {
            if let Values::Text(all) = values {
                all.push(ByteArray::from(value.as_bytes().to_vec()));
            }
        });
    }

    pub(crate) fn fixed(&mut self, value: Option<Vec<u8>>) {
        self.put(value, 64, |values, value| {
            if let Values::Fixed(all) = values {
                all.push(FixedLenByteArray::from(ByteArray::from(value)));
            }
        });
    }

    /// A decimal of up to 38 digits.
    pub(crate) fn decimal(&mut self, value: i128) {
        self.fixed(Some(value.to_be_bytes().to_vec()));
    }

    /// The row is complete.
    pub(crate) fn end_row(&mut self) {
        self.next = 0;
        self.rows += 1;
    }

    /// Writes what is gathered as one row group, and begins anew.
    pub(crate) fn write_group<W: Write + Send>(&mut self, file: &mut SerializedFileWriter<W>) -> Result<()> {
        let mut group = file.next_row_group()?;
        for column in &mut self.columns {
            let Some(mut writer) = group.next_column()? else {
                return Err(ParquetError::General("a column has no place in the schema".to_owned()));
            };
            let levels = column.levels.as_deref();
            match &mut column.values {
                Values::Whole(all) => {
                    writer.typed::<Int32Type>().write_batch(all, levels, None)?;
                    all.clear();
                }
                Values::Long(all) => {
                    writer.typed::<Int64Type>().write_batch(all, levels, None)?;
                    all.clear();
                }
                Values::Text(all) => {
                    writer.typed::<ByteArrayType>().write_batch(all, levels, None)?;
                    all.clear();
                }
                Values::Fixed(all) => {
                    writer.typed::<FixedLenByteArrayType>().write_batch(all, levels, None)?;
                    all.clear();
                }
            }
            writer.close()?;
            if let Some(levels) = &mut column.levels {
                levels.clear();
            }
        }
        group.close()?;
        (self.rows, self.bytes) = (0, 0);
        Ok(())
    }
}
