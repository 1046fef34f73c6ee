-- The files of reports that were made by themselves, compressed (zstd); format: html, json or csv.
CREATE TABLE kept_report_files (
    report  INTEGER NOT NULL REFERENCES kept_reports (id) ON DELETE CASCADE,
    format  TEXT NOT NULL CHECK (format IN ('html', 'json', 'csv')),
    bytes   INTEGER NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (report, format)
) STRICT, WITHOUT ROWID;
