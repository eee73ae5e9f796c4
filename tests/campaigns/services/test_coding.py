"""Batches of codes: exactly as many, in whole chunks, cancelled and downloaded."""

import io

import pytest

from campaigns.models import CouponBatch, CouponCode, CouponTemplate
from campaigns.rules.coupons import is_plausible
from campaigns.services import coding
from campaigns.services.coding import (
    BadCount,
    BadPrefix,
    make_chunk,
    order_codes,
    read_codes,
)
from campaigns.services.issuing import CouponsAllGone
from crm.shared.jobs import JobProgress, cancel_job, run_job
from crm.shared.models import AuditEntry, Job
from tests.cast import NOON
from tests.tables import digest


@pytest.fixture
def chunks(monkeypatch):
    monkeypatch.setattr(coding, "CHUNK", 40)


@pytest.fixture
def endless(template):
    CouponTemplate.objects.update(stock=None)
    return template


def ordered(template, dana, count=100, prefix="VP"):
    return order_codes(
        template_id=template.pk, prefix=prefix, count=count, actor=dana, now=NOON
    )


def test_c4_a_job_makes_exactly_as_many_codes(dana, endless, chunks):
    batch = ordered(endless, dana)
    assert run_job(batch.job_id)

    job = Job.objects.get()
    assert (job.state, job.done, job.total, job.result) == (
        "done",
        100,
        100,
        {"codes": 100},
    )
    codes = list(CouponCode.objects.values_list("code", flat=True))
    assert len(set(codes)) == 100
    assert all(is_plausible(code) and code.startswith("VP") for code in codes)
    entry = AuditEntry.objects.get(action="coupons.order_codes")
    assert (entry.actor_id, entry.detail) == (dana.pk, {"codes": 100, "prefix": "VP"})


def test_codes_that_exist_are_drawn_again(dana, endless, monkeypatch):
    """The first draw brings known codes and one twice; the second one the rest."""
    batch = ordered(endless, dana, count=4)
    draw = coding.draw_codes
    known = draw("VP", 4).decode().splitlines()
    CouponCode.objects.bulk_create(
        CouponCode(code=code, batch=batch) for code in known[:2]
    )
    counts = []

    def colliding(prefix: str, count: int) -> bytes:
        counts.append(count)
        if len(counts) == 1:
            return "".join(f"{c}\n" for c in (*known[:2], known[2], known[2])).encode()
        return draw(prefix, count)

    monkeypatch.setattr(coding, "draw_codes", colliding)
    assert make_chunk(batch_id=batch.pk).made == 4
    assert counts == [4, 3]
    assert CouponCode.objects.count() == 2 + 4


def test_a_cancelled_job_leaves_whole_chunks(dana, endless, chunks, monkeypatch):
    batch = ordered(endless, dana)
    advance = JobProgress.advance

    def cancelled_meanwhile(self, **told):
        if told.get("done") == 80:
            cancel_job(job_id=self.job_id, actor=dana, now=NOON)
        advance(self, **told)

    monkeypatch.setattr(JobProgress, "advance", cancelled_meanwhile)
    run_job(batch.job_id)

    batch.refresh_from_db()
    assert Job.objects.get().state == "cancelled"
    assert batch.made == CouponCode.objects.count() == 40


def test_a_killed_job_goes_on_after_its_last_chunk(dana, endless, chunks):
    batch = ordered(endless, dana)
    make_chunk(batch_id=batch.pk)
    run_job(batch.job_id)
    batch.refresh_from_db()
    assert batch.made == CouponCode.objects.count() == 100


def test_a_revoked_batch_makes_no_more(dana, endless, chunks):
    batch = ordered(endless, dana)
    CouponBatch.objects.update(revoked_at=NOON)
    run_job(batch.job_id)
    assert CouponCode.objects.count() == 0


@pytest.mark.parametrize(
    ("how", "refusal"),
    [
        ({"prefix": "V"}, BadPrefix),
        ({"prefix": "V0"}, BadPrefix),
        ({"count": 0}, BadCount),
        ({"count": coding.MOST_CODES + 1}, BadCount),
        ({"count": 3}, CouponsAllGone),
    ],
)
def test_what_cannot_be_made_writes_nothing(how, refusal, dana, template):
    before = digest()
    with pytest.raises(refusal):
        ordered(template, dana, **how)
    assert digest() == before


def test_c2_a_batch_takes_its_codes_off_the_stock(dana, template):
    ordered(template, dana, count=2)
    template.refresh_from_db()
    assert template.issued == 2


def test_a_download_has_a_heading_and_every_code(dana, endless):
    batch, other = ordered(endless, dana, 7), ordered(endless, dana, 5, "XY")
    for each in (batch, other):
        make_chunk(batch_id=each.pk)
    CouponCode.objects.filter(batch=batch).update(state="taken")
    lines = io.BytesIO(b"".join(read_codes(batch_id=batch.pk))).read().decode()
    heading, *rows = lines.splitlines()
    assert heading == "code,state"
    assert sorted(rows) == sorted(
        f"{code},taken"
        for code in CouponCode.objects.filter(batch=batch).values_list("pk", flat=True)
    )
