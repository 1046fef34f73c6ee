//! `log_template(message)`: the kind of line that a message is, with `<*>` where its values stand.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringBuilder};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};

use super::bounded_growth::MAX_GROWN_BYTES;
use crate::query::QueryError;
use crate::template::skeleton_template;

/// The template of a message alone. What `template_id` stands for may be more general: it knows other lines too.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct LogTemplate {
    signature: Signature,
}

impl LogTemplate {
    pub(super) fn new() -> Self {
        let texts = vec![DataType::Utf8View, DataType::Utf8, DataType::LargeUtf8];
        Self { signature: Signature::uniform(1, texts, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for LogTemplate {
    fn name(&self) -> &str {
        "log_template"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let messages = ColumnarValue::values_to_arrays(&args.args)?;
        let messages = cast(&messages[0], &DataType::Utf8View)?;
        let mut templates = StringBuilder::with_capacity(messages.len(), 0);
        for message in messages.as_string_view() {
            templates.append_option(message.map(|message| skeleton_template(message.as_bytes())));
            // A template looks at the first 2 KiB of a line, and `<*>` may stand for a single digit: some KiB a row.
            let total = templates.values_slice().len() as u64;
            if total > MAX_GROWN_BYTES {
                let detail = format!("log_template would return more than {MAX_GROWN_BYTES} bytes for a batch");
                return Err(QueryError::refused(detail, "Cut the messages with left first".to_owned()).into());
            }
        }
        Ok(ColumnarValue::Array(Arc::new(templates.finish()) as ArrayRef))
    }
}
