//! `severity_name(code)` and `facility_name(code)`: the words of RFC 5424, section 6.2.1, for the numbers in `logs`.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, StringViewArray};
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};

use crate::record::{facility_name, severity_name};

/// A function from a code to its word; null for a code that has none.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct CodeName {
    table: CodeTable,
    signature: Signature,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum CodeTable {
    Severity,
    Facility,
}

impl CodeName {
    pub(super) fn severity() -> Self {
        Self::new(CodeTable::Severity)
    }

    pub(super) fn facility() -> Self {
        Self::new(CodeTable::Facility)
    }

    fn new(table: CodeTable) -> Self {
        Self { table, signature: Signature::exact(vec![DataType::Int64], Volatility::Immutable) }
    }

    fn word(&self, code: i64) -> Option<&'static str> {
        let code = u8::try_from(code).ok()?;
        match self.table {
            CodeTable::Severity => severity_name(code),
            CodeTable::Facility => facility_name(code),
        }
    }
}

impl ScalarUDFImpl for CodeName {
    fn name(&self) -> &str {
        match self.table {
            CodeTable::Severity => "severity_name",
            CodeTable::Facility => "facility_name",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8View)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let codes = ColumnarValue::values_to_arrays(&args.args)?;
        let words: StringViewArray = codes[0].as_primitive::<Int64Type>().iter().map(|code| self.word(code?)).collect();
        Ok(ColumnarValue::Array(Arc::new(words) as ArrayRef))
    }
}
