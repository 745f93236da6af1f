"""What a chart shows, said in a sentence for those who do not see it."""

from collections.abc import Sequence

from django.utils.translation import gettext

from rollout.charts import Beside, Observed, month_text
from rollout.domain.dates import fiscal_year_label
from rollout.domain.plan import month_number
from rollout.domain.projection import Projection, current_month, fiscal_year_end, fiscal_year_in_progress


def s_curve_alt(curve: Projection, observations: Sequence[Observed], beside: Sequence[Beside] = ()) -> str:
    """What the chart shows, in one sentence for those who do not see it."""
    now, year = current_month(curve), fiscal_year_in_progress(curve)
    end = curve.at(fiscal_year_end(year))
    parts = [
        gettext("月ごとの累計利用者数の図。計画は{month_text}で{cumulative:,}人").format(
            month_text=month_text(now.first_month), cumulative=now.cumulative
        ),
        gettext("{fiscal_year_label}末で{cumulative:,}人（幅{low:,}〜{high:,}人）").format(
            fiscal_year_label=fiscal_year_label(year), cumulative=end.cumulative, low=end.low, high=end.high
        ),
        gettext("利用を確認できたのは{confirmed:,}人").format(confirmed=now.confirmed),
    ]
    if curve.target_users is not None:
        parts.append(
            gettext("目標は{target_users:,}人で、{reached_text}").format(
                target_users=curve.target_users, reached_text=_reached_text(curve)
            )
        )
    if curve.undated_users:
        parts.append(gettext("時期未定は{undated_users:,}人").format(undated_users=curve.undated_users))
    if observations:
        last = observations[-1]
        parts.append(
            gettext("公表値は{count}件で、最新は{month_text}の{users:,}人").format(
                count=len(observations), month_text=month_text(month_number(last.latest)), users=last.users
            )
        )
    parts += [
        gettext("「{label}」は{fiscal_year_label}末で{cumulative:,}人").format(
            label=other.label,
            fiscal_year_label=fiscal_year_label(year),
            cumulative=other.curve.at(fiscal_year_end(year)).cumulative,
        )
        for other in beside
    ]
    return gettext("、").join(parts) + gettext("。")


def _reached_text(curve: Projection) -> str:
    if curve.reached_in is None:
        return gettext("時期の決まった計画だけでは届きません")
    return gettext("計画では{month_text}に届きます").format(month_text=month_text(curve.reached_in))
