"""Logs, metrics and alarms."""

from __future__ import annotations

from localcloud.api.request import Call

from .rules import guards, refuse_if, want_match

RETENTION_DAYS = {
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
}  # fmt: skip
DAY, WEEK = 86400, 604800
SHORT_PERIODS = (10, 20, 30)


@guards("logs:CreateLogStream", "logs:DeleteLogStream", "logs:PutLogEvents")
def a_log_stream_is_well_named(call: Call) -> None:
    want_match(
        call.parameters.get("logStreamName"),
        r"[^:*]{1,512}",
        "InvalidParameterException",
        "1 validation error detected: Value at 'logStreamName' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: [^:*]*",
    )


@guards("logs:PutRetentionPolicy")
def retention_is_one_of_aws_days(call: Call) -> None:
    days = call.parameters.get("retentionInDays")
    refuse_if(
        days not in RETENTION_DAYS,
        "InvalidParameterException",
        f"1 validation error detected: Value '{days}' at 'retentionInDays' failed to satisfy constraint: "
        f"Member must satisfy enum value set: {sorted(RETENTION_DAYS)}",
    )


@guards("cloudwatch:PutMetricAlarm")
def an_alarm_can_be_evaluated(call: Call) -> None:
    params = call.parameters
    period, count = params.get("Period"), params.get("EvaluationPeriods")
    by_metric, by_query = params.get("MetricName"), params.get("Metrics")
    refuse_if(
        not by_metric and not by_query, "ValidationError", "Exactly one of MetricName and Metrics must be specified"
    )
    refuse_if(by_metric and by_query, "InvalidParameterCombination", "MetricName and Metrics cannot both be specified")
    refuse_if(count is None, "MissingParameter", "The parameter EvaluationPeriods is required.")
    refuse_if(
        params.get("ComparisonOperator") is None, "MissingParameter", "The parameter ComparisonOperator is required."
    )
    refuse_if(
        params.get("Threshold") is None and not params.get("ThresholdMetricId"),
        "ValidationError",
        "Exactly one element of the threshold, threshold metric ID list must be specified",
    )
    if period is not None:
        fits = int(period) in SHORT_PERIODS or (int(period) > 0 and int(period) % 60 == 0)
        refuse_if(not fits, "ValidationError", f"Period {period} must be 10, 20, 30 or a multiple of 60")
        longest = WEEK if int(period) >= 3600 else DAY
        refuse_if(
            int(period) * int(count or 1) > longest,
            "ValidationError",
            "Metrics cannot be checked across more than a day (or a week, with periods of an hour or more) "
            "(EvaluationPeriods * Period)",
        )
    points = params.get("DatapointsToAlarm")
    refuse_if(
        points is not None and count is not None and int(points) > int(count),
        "ValidationError",
        "DatapointsToAlarm must be less than or equal to EvaluationPeriods",
    )
    refuse_if(
        params.get("Statistic") and params.get("ExtendedStatistic"),
        "InvalidParameterCombination",
        "Statistic and ExtendedStatistic cannot both be specified",
    )
    refuse_if(
        params.get("MetricName") and not params.get("Statistic") and not params.get("ExtendedStatistic"),
        "ValidationError",
        "Exactly one element of the statistic, extended statistic list must be specified",
    )
    treat = params.get("TreatMissingData")
    refuse_if(
        treat not in (None, "breaching", "notBreaching", "ignore", "missing"),
        "ValidationError",
        f"Option {treat} is not supported for parameter TreatMissingData",
    )
    for member in ("AlarmActions", "OKActions", "InsufficientDataActions"):
        for arn in params.get(member) or ():
            refuse_if(not arn.startswith("arn:"), "ValidationError", f"Invalid use of {member}: '{arn}' is not an ARN")


@guards("cloudwatch:PutMetricData")
def a_namespace_is_not_awss_own(call: Call) -> None:
    name = call.parameters.get("Namespace", "")
    refuse_if(
        name.startswith("AWS/"),
        "InvalidParameterValue",
        "The value AWS/ for parameter Namespace is invalid: it is reserved for services of AWS.",
    )
