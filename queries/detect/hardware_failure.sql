-- name: hardware_failure
-- description: A fan, power supply, temperature sensor, memory module or processor is reported as failed.
-- schedule: every 5m
-- severity: high
-- entity: host, component
-- title: {host} reports trouble with its {component}
-- runbook: Ask the device itself: `ipmitool sel list` and `ipmitool sdr`, iDRAC or iLO, `show environment all` (Cisco), `show chassis
--   alarms` (Junos). A dead fan or supply of two is urgent, not an outage: order the part. Several devices that get hot together
--   mean the air conditioning. Uncorrectable memory errors: move the load away and swap the module.

-- Servers speak through IPMI (ipmievd, iDRAC, iLO), network devices by themselves. A line has to name a part and say that it is
-- bad; one that says that it is well again is not counted. Only lines of warning and worse are read, because words such as fan
-- and power stand in ordinary lines too; ipmievd says everything at the same level and is read whole.
WITH named AS (
    SELECT
        date_bin(INTERVAL '5 minutes', timestamp) AS timestamp,
        host,
        message,
        CASE
            WHEN app = 'kernel' AND message LIKE '%EDAC%' THEN 'memory'
            WHEN app = 'kernel' AND message LIKE '%[Hardware Error]%' THEN 'processor'
            WHEN regexp_like(message, '(?i)power suppl|pwr suppl|\bpsu ?[0-9]*\b|\bPEM [0-9]|POWER_?SUPPLY|_PSU') THEN 'power supply'
            WHEN regexp_like(message, '(?i)\bfan ?[0-9]*\b|\bfan #|fan[/_]|_fan') THEN 'fan'
            WHEN regexp_like(message, '(?i)temperature|\btemp\b|overheat') THEN 'temperature'
            WHEN regexp_like(message, '(?i)\becc\b|\bdimm') THEN 'memory'
        END AS component
    FROM logs
    WHERE timestamp >= $window_start AND timestamp < $window_end
        AND (coalesce(severity, 4) <= 4 OR app LIKE 'ipmi%')
        AND (
            message LIKE '%ower %upply%' OR message LIKE '%POWER%SUPPLY%' OR message LIKE '%Pwr supply%' OR message LIKE '%PSU%'
            OR message LIKE '%PEM %'
            OR message LIKE '%Fan%' OR message LIKE '%FAN%' OR message LIKE '%emperature%' OR message LIKE '%TEMP%'
            OR message LIKE '%Temp %' OR message LIKE '%verheat%'
            OR message LIKE '%ECC%' OR message LIKE '%DIMM%' OR message LIKE '%EDAC MC%' OR message LIKE '%[Hardware Error]%'
        )
),
bad AS (
    SELECT timestamp, host, component
    FROM named
    WHERE component IS NOT NULL
        AND (
            (component = 'memory' AND regexp_like(message, '(?i)EDAC MC[0-9]+: [0-9]+ UE |uncorrectable|multi-?bit|correctable ecc (logging limit|rate)'))
            OR (component = 'processor' AND regexp_like(message, '(?i)machine check|fatal|uncorrected'))
            OR (
                component NOT IN ('memory', 'processor')
                AND regexp_like(
                    message,
                    '(?i)fail|\bnot ok\b|fault|\blost\b|absent|is bad|critical|non-recoverable|too hot|exceed|above threshold|overheat|over-?temp|shut ?down'
                )
            )
        )
        -- Throttling for a moment is how a processor keeps cool; the rest says that all is well again.
        AND NOT regexp_like(
            message,
            '(?i)clear|restored|recover(ed|y)|returned to normal|back to normal|deassert|redundancy (is )?regained|\bis ok\b|now ok|no longer|throttled'
        )
)
SELECT timestamp, host, component, count(*) AS value, 0 AS expected
FROM bad
GROUP BY timestamp, host, component

-- evidence:
SELECT timestamp, app, severity, message
FROM logs
WHERE timestamp >= $window_start AND timestamp < $window_end AND coalesce(host, '-') = $host
    AND (coalesce(severity, 4) <= 4 OR app LIKE 'ipmi%')
ORDER BY timestamp, message
LIMIT 20
