"""Task ecg: beats from a file of features, from recordings, and made up."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import oxmc, refusal
from pytest import CaptureFixture

from oxmc.pymodels.config import Config, preset
from oxmc.pymodels.errors import InputError
from oxmc.pymodels.machine import not_installed
from oxmc.pymodels.tasks import Dataset, DataSource, fit_config, load_task
from oxmc.pymodels.tasks.ecg import subjects
from oxmc.pymodels.tasks.ecg_beats import read_beats, spectrum
from oxmc.pymodels.tasks.ecg_synthetic import BEATS, RATE_HZ, SUBJECTS, synthetic_beats

pytestmark = pytest.mark.testpoint(
    "ecg task",
    "spectra of known waves; recordings and file give the same features; balance, person and subject left out; "
    "made-up recordings; bad files and records; RTL and twin agree",
)

WIDE = preset("ecg", "wide")
needs_wfdb = pytest.mark.skipif(importlib.util.find_spec("wfdb") is None, reason="needs the extra 'ecg'")


def data(source: DataSource, seed: int = 0, **changes: Any) -> tuple[Config, Dataset]:
    config = fit_config("ecg", WIDE.replace(**changes), changes, source)
    return config, load_task("ecg", config, seed, source)


def beats_file(path: Path, **changes: np.ndarray) -> Path:
    """A small file of features: records 201 and 202, one person, and 203, 20 beats each, a third of them V."""
    rng = np.random.default_rng(5)
    feat = rng.normal(size=(60, 12)).astype(np.float32)
    symbol = np.where(np.arange(60) % 3 == 0, "V", "N")
    arrays = {"feat": feat, "rec": np.repeat([201, 202, 203], 20), "sym": symbol} | changes
    np.savez(path, **arrays)  # type: ignore[arg-type]
    return path


def test_spectrum_of_known_waves() -> None:
    """A cosine of k periods a window has half its amplitude in bin k, a constant its value in bin 0; 252 samples."""
    n, t = 252, np.arange(2000)
    signal = np.stack([0.25 + 0.8 * np.cos(2 * np.pi * 3 * t / n), np.sin(2 * np.pi * t / n)], axis=1)
    x, kept = spectrum(signal, np.array([125, 126, 700, 1874, 1875]), 360.0)
    assert kept.tolist() == [1, 2, 3]  # windows inside the recording
    assert np.allclose(x, [0.25, 0, 0, 0.4, 0, 0, 0.5, 0, 0, 0], rtol=0, atol=1e-12)


def test_made_up_recordings() -> None:
    """Records of the same size from one constant seed, most with both classes, and told so."""
    beats = synthetic_beats()
    assert beats.x.shape == (SUBJECTS * BEATS, 10) and RATE_HZ == 360
    assert set(beats.symbol) == set("NVAL") and np.isfinite(beats.x).all()
    _, d = data(DataSource())
    assert d.notes[0] == "synthetic: 24 made-up recordings, not of any person"
    assert subjects(DataSource()) == list(range(1, SUBJECTS + 1))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"feat": np.full((60, 12), np.iinfo(np.int64).min)},
            "feat must be finite and at most 1e+06 mV, but beat 0 of",
        ),
        ({"feat": np.full((60, 12), -128, np.int8), "rec": np.full(60, -1)}, "rec must be numbers from 0 to "),
        ({"feat": np.full((60, 12), 2**64 - 1, np.uint64)}, "feat must be finite and at most 1e+06 mV, but beat 0 of"),
        ({"feat": np.full((60, 12), 1j)}, "feat must hold numbers, not values of type complex128"),
        ({"feat": np.full((60, 12), True)}, "feat must hold numbers, not values of type bool"),
        ({"feat": np.full((60, 12), None)}, "--data must be a whole .npz file"),
        ({"feat": np.zeros((60, 12), [("a", "f8")])}, "feat must hold numbers, not values of type [('a', '<f8')]"),
        ({"feat": np.array(1.0)}, "feat must be an array of 12 columns, not of shape ()"),
        ({"rec": np.full(60, 2**64 - 1, np.uint64)}, "rec must be numbers from 0 to 9007199254740991, not 18446744073"),
        ({"rec": np.full(60, 2**63, np.uint64)}, "rec must be numbers from 0 to 9007199254740991, not 9223372036854"),
        ({"rec": np.full(60, 2**53)}, "rec must be numbers from 0 to 9007199254740991, not 9007199254740992"),
        ({"rec": np.full(60, "2020-01-01", "M8[D]")}, "rec must hold integers, not values of type datetime64[D]"),
        ({"sym": np.full(60, "NOT")}, "sym must be a single character for each beat, not 'NOT'"),
        ({"sym": np.full(60, b"NV")}, "sym must be a single character for each beat, not b'NV'"),
        ({"sym": np.full(60, "")}, "sym must be a single character for each beat, not ''"),
        ({"sym": np.full(60, b"\xff")}, "sym must be a single character for each beat, not b'\\xff'"),
        ({"sym": np.full(60, " ")}, "sym must be a single character for each beat, not ' '"),
        ({"sym": np.full(60, None)}, "--data must be a whole .npz file"),
    ],
)
def test_a_user_brings_beats_that_would_wrap_or_be_cut(
    capsys: CaptureFixture[str], tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    """Numbers that do not fit and symbols that are no letter are refused, not bent until they fit."""
    path = beats_file(tmp_path / "beats.npz", **changes)
    command = ("train", "ecg", "--preset", "wide", "--engine", "twin", "--data", path, "--subject", "203")
    assert refusal(capsys, *command).startswith(message)


def test_a_user_brings_beats_in_another_layout(tmp_path: Path) -> None:
    """Column order, byte order, narrow integers, bytes and longer text fields hold the same beats."""
    plain = read_beats(beats_file(tmp_path / "plain.npz"))
    with np.load(tmp_path / "plain.npz") as file:
        feat, rec, sym = (file[name] for name in ("feat", "rec", "sym"))
    layouts: list[dict[str, np.ndarray]] = [
        {"feat": np.asfortranarray(feat), "rec": rec.astype(np.uint8), "sym": sym.astype("S1")},
        {"feat": feat.astype(">f4"), "rec": rec.astype(">i2"), "sym": sym.astype("<U9")},
        {"feat": np.repeat(feat, 2, axis=1)[:, ::2], "rec": rec.astype(np.uint64), "sym": sym.astype(">U1")},
    ]
    for number, layout in enumerate(layouts):
        found = read_beats(beats_file(tmp_path / f"{number}.npz", **layout))
        assert np.array_equal(found.x, plain.x) and found.x.dtype == np.float64
        assert np.array_equal(found.record, plain.record) and found.record.dtype == np.int64
        assert np.array_equal(found.symbol, plain.symbol)


@pytest.mark.parametrize("balance", ["balanced", "drawn"])
def test_training_beats(balance: str) -> None:
    """Others' beats, half of each class or as they come; scaled by themselves; the same again from the same seed."""
    config, d = data(DataSource(subject=21), balance=balance)
    assert config.test_samples == len(d.test_t) == BEATS
    assert (d.train_t.sum() == 125) == (balance == "balanced")
    assert np.allclose(d.train_x.mean(axis=0), 0, atol=1e-12) and np.allclose(d.train_x.std(axis=0), 1)
    assert np.abs(d.test_x.mean(axis=0)).max() > 0.05
    assert np.array_equal(d.train_x, data(DataSource(subject=21), balance=balance)[1].train_x)
    assert not np.array_equal(d.train_t, data(DataSource(subject=21), seed=1, balance=balance)[1].train_t)


def test_one_person_of_two_records_is_left_out_whole(tmp_path: Path) -> None:
    """Training beats come from 203 alone, whichever of 201 and 202 is tested; features are the ten of the twelve."""
    path = beats_file(tmp_path / "beats.npz")
    with np.load(path) as file:
        feat = file["feat"]
    for subject in (201, 202):
        _, d = data(DataSource(data=path, subject=subject), train_samples=12)
        assert d.notes[2].startswith("training beats from 1 records, record 201, 202 left out")
    ten = np.delete(feat[20:40].astype(float), [5, 11], axis=1)
    columns = [np.corrcoef(d.test_x[:, k], ten[:, k])[0, 1] for k in range(10)]
    assert np.allclose(columns, 1) and d.test_t.sum() == 7


LISTED = "201, 202, 203"


@pytest.mark.parametrize(
    ("changes", "arguments", "message"),
    [
        ({}, "", f"task ecg needs --subject with --data, one of {LISTED}"),
        ({}, "--subject 100", f"--subject must be one of {LISTED}, not 100"),
        ({}, "--subject x", "--subject must be an integer >= 0, not 'x'"),
        ({}, "--subject 203 --label N", "--label must be left out for task ecg, which does not take it, not 'N'"),
        ({}, "--subject 203", "train_samples must be at most 28 with 14 beats other than N, not 250"),
        (
            {},
            "--subject 203 --set balance=drawn",
            "train_samples must be at most 40, the beats of other records, not 250",
        ),
        (
            {},
            "--subject 203 --set test_samples=21 --set train_samples=9",
            "test_samples must be at most 20, the beats of record 203, not 21",
        ),
        ({}, "--subject 203 --set preprocessing=all", "preprocessing must be 'train' for task ecg, not 'all'"),
        ({}, "--subject 203 --set features=8", "features must be 10 for task ecg, not 8"),
        (
            {"sym": np.array(["N"] * 60)},
            "--subject 203",
            "--data must have beats other than N in other records than the subject's, but there are none",
        ),
        (
            {"feat": np.zeros((60, 10), np.float32)},
            "--subject 203",
            "feat must be an array of 12 columns, not of shape (60, 10) ('beats.npz')",
        ),
        (
            {"feat": np.full((60, 12), np.nan)},
            "--subject 203",
            "feat must be finite and at most 1e+06 mV, but beat 0 of record 201 is not ('beats.npz')",
        ),
        (
            {"feat": np.where(np.arange(60)[:, None] == 31, 1e300, np.zeros((60, 12)))},
            "--subject 203",
            "feat must be finite and at most 1e+06 mV, but beat 31 of record 202 is not ('beats.npz')",
        ),
        (
            {"feat": np.full((60, 12), "0.1")},
            "--subject 203",
            "feat must hold numbers, not values of type <U3 ('beats.npz')",
        ),
        (
            {"rec": np.repeat([201.5, 202, 203], 20)},
            "--subject 203",
            "rec must hold integers, not values of type float64 ('beats.npz')",
        ),
        (
            {"rec": np.full(60, "one")},
            "--subject 203",
            "rec must hold integers, not values of type <U3 ('beats.npz')",
        ),
        (
            {"sym": np.zeros(60)},
            "--subject 203",
            "sym must hold letters, not values of type float64 ('beats.npz')",
        ),
        (
            {"rec": np.full(60, 203)},
            "--subject 203",
            "--data must have normal beats (N) in other records than the subject's, but there are none",
        ),
        (
            {"sym": np.array(["N"] * 59)},
            "--subject 203",
            "rec and sym must be as long as feat (60), not (60,) and (59,) ('beats.npz')",
        ),
        (
            {"feat": np.zeros((0, 12)), "rec": np.zeros(0, int), "sym": np.zeros(0, "<U1")},
            "--subject 203",
            "--data must hold beats, but 'beats.npz' has none",
        ),
    ],
)
def test_refusals(
    capsys: CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    changes: dict[str, np.ndarray],
    arguments: str,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    beats_file(Path("beats.npz"), **changes)
    command = ("train", "ecg", "--preset", "wide", "--engine", "twin", "--data", "beats.npz", *arguments.split())
    assert refusal(capsys, *command) == message
    assert [path.name for path in tmp_path.iterdir()] == ["beats.npz"]


def test_files_that_are_no_features(capsys: CaptureFixture[str], tmp_path: Path) -> None:
    """Missing, truncated, of another kind, without a column."""
    whole, file = beats_file(tmp_path / "whole.npz").read_bytes(), tmp_path / "beats.npz"
    command = ("train", "ecg", "--engine", "twin", "--subject", "203", "--data", file)
    rule = "--data must be a whole .npz file of feat, rec and sym"
    assert refusal(capsys, *command) == f"--data must be readable, not {str(file)!r} (No such file or directory)"
    for content in (whole[:100], whole[: len(whole) // 2], whole[:-200], b"a,b\n1,2\n", b""):
        file.write_bytes(content)
        assert refusal(capsys, *command).startswith(f"{rule}, not {str(file)!r} (")
    np.savez(file, feat=np.zeros((3, 12)))
    assert refusal(capsys, *command).startswith(f"{rule}; {str(file)!r} does not hold 'rec'")
    np.save(tmp_path / "one.npy", np.zeros(3))
    assert refusal(capsys, *command[:-1], tmp_path / "one.npy").startswith(rule)


def test_folders_without_records(capsys: CaptureFixture[str], tmp_path: Path) -> None:
    command = ("train", "ecg", "--engine", "twin", "--subject", "203", "--data", tmp_path)
    rule = "--data must be a folder of records (.hea, .dat, .atr), but "
    assert refusal(capsys, *command) == f"{rule}{str(tmp_path)!r} has none"


def test_published_beats(data_dir: Path) -> None:
    """The subject's own numbers: 2,953 beats of record 208, 250 of others, none of them of 208."""
    config, d = data(DataSource(data=data_dir / "mitbih_beats.npz", subject=208))
    assert config.test_samples == len(d.test_t) == 2953
    assert len(d.train_t) == 250 and "record 208 left out" in d.notes[2]


@needs_wfdb
def test_recordings_give_the_features_of_the_file(data_dir: Path) -> None:
    """Both routes, made by others: within the file's single precision."""
    raw, file = read_beats(data_dir / "mitdb"), read_beats(data_dir / "mitbih_beats.npz")
    for record in np.unique(raw.record):
        ours, theirs = raw.record == record, file.record == record
        assert np.array_equal(raw.symbol[ours], file.symbol[theirs])
        assert np.allclose(raw.x[ours], file.x[theirs], rtol=1e-5, atol=1e-7)


@pytest.fixture
def record(tmp_path: Path) -> Path:
    """A folder with one made-up record of two channels, three beats."""
    wfdb = pytest.importorskip("wfdb")
    write_record(tmp_path, wfdb, np.random.default_rng(1).normal(size=(2000, 2)))
    return tmp_path


def write_record(
    folder: Path,
    wfdb: Any,
    signal: np.ndarray,
    name: str = "900",
    leads: tuple[str, ...] = ("MLII", "V1"),
    units: tuple[str, ...] = ("mV", "mV"),
) -> None:
    channels = signal.shape[1]
    wfdb.wrsamp(
        name, fs=360, units=list(units[:channels]), sig_name=list(leads[:channels]), p_signal=signal,
        fmt=["16"] * channels, write_dir=str(folder),
    )  # fmt: skip
    wfdb.wrann(name, "atr", np.array([300, 800, 1300]), symbol=["N", "V", "N"], write_dir=str(folder))


def test_a_made_up_record_is_read(record: Path) -> None:
    beats = read_beats(record)
    assert beats.record.tolist() == [900] * 3 and beats.symbol.tolist() == ["N", "V", "N"]


def test_leads_go_by_name(tmp_path: Path) -> None:
    """As record 114, which lists MLII second; 102, which has none; 100 with V5: named, and the same features."""
    wfdb = pytest.importorskip("wfdb")
    signal = np.random.default_rng(2).normal(size=(2000, 2))
    write_record(tmp_path, wfdb, signal, "113")
    write_record(tmp_path, wfdb, signal[:, ::-1], "114", ("V5", "MLII"))
    write_record(tmp_path, wfdb, signal, "102", ("V5", "V2"))
    beats = read_beats(tmp_path)
    x = {record: beats.x[beats.record == record] for record in (102, 113, 114)}
    assert np.allclose(x[114], x[113], atol=1e-4) and np.allclose(x[102], x[113], atol=1e-4)
    assert not np.allclose(x[113][:, :5], x[113][:, 5:], atol=1e-2)
    assert beats.remarks == (
        "records in which MLII comes second and is taken by its name: 114",
        "records in which there is no MLII and leads are taken as they come: 102 (V5 and V2)",
        "records in which the second lead is another than V1: 114 (V5)",
    )
    source = DataSource(data=tmp_path, subject=102)
    config = fit_config("ecg", WIDE.replace(train_samples=2), ("train_samples",), source)
    assert load_task("ecg", config, 0, source).remarks == beats.remarks


def test_units_go_by_the_header(tmp_path: Path) -> None:
    """Volts and microvolts are turned into millivolts; what is no voltage is refused; a gain of 0 is noted."""
    wfdb = pytest.importorskip("wfdb")
    signal = np.random.default_rng(3).normal(size=(2000, 2))
    for name, units, factor in (("900", ("mV", "mV"), (1, 1)), ("901", ("uV", "V"), (1e3, 1e-3))):
        write_record(tmp_path, wfdb, signal * factor, name, units=units)
    beats = read_beats(tmp_path)
    one, other = (beats.x[beats.record == record] for record in (900, 901))
    assert np.allclose(one, other, atol=1e-4) and beats.remarks == ()
    header = tmp_path / "901.hea"
    whole = header.read_text()
    header.write_text(whole.replace("/uV", "/mmHg"))
    with pytest.raises(InputError) as error:
        read_beats(tmp_path)
    assert str(error.value) == "record 901 must have lead MLII in V, mV, uV or nV, not 'mmHg'"
    for gain in ("0", "0(0)/mV"):
        header.write_text("901 2 360 2000\n" + f"901.dat 16 {gain} 16 0 0 0 0 MLII\n" * 2)
        said = read_beats(tmp_path).remarks
        assert said[-1] == "records in which no gain is given, which the format takes as 200 units a mV: 901"


def test_bad_records(record: Path) -> None:
    """One channel, no voltage, no annotations, a truncated and a missing file: one line each, naming the record."""
    wfdb = pytest.importorskip("wfdb")

    def message() -> str:
        with pytest.raises(InputError) as error:
            read_beats(record)
        return str(error.value)

    whole = record / "900.dat"
    whole.write_bytes(whole.read_bytes()[:1000])
    unreadable = f"record 900 must be whole and readable, not {str(record / '900')!r} ("
    assert message().startswith(unreadable)
    whole.unlink()
    assert message().startswith(unreadable)
    write_record(record, wfdb, np.zeros((2000, 1)))
    assert message() == "record 900 must have two channels, not 1"
    signal = np.zeros((2000, 2))
    signal[77, 1] = np.nan
    write_record(record, wfdb, signal)
    assert message() == "record 900 must have a voltage at each sample, but has none at sample 77"
    write_record(record, wfdb, np.zeros((2000, 2)))
    (record / "900.atr").unlink()
    assert message().startswith(unreadable)
    wfdb.wrann("900", "atr", np.array([300, 800, 1300]), symbol=["N", "V", "N"], write_dir=str(record))
    for name in ("900.hea", "900.atr"):  # torn in its middle, and empty
        whole = (record / name).read_bytes()
        for content in (whole[: len(whole) // 2 + 1 - len(whole) // 2 % 2], b""):
            (record / name).write_bytes(content)
            said = message()
            assert said.startswith(unreadable) or said == "record 900 must have annotated beats, but has none"
        (record / name).write_bytes(whole)
    wfdb.wrann("900", "atr", np.array([300]), symbol=["+"], write_dir=str(record))
    assert message() == "record 900 must have annotated beats, but has none"


def test_a_folder_needs_wfdb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "wfdb", None)
    (tmp_path / "900.hea").write_text("900 2 360 2000\n")
    with pytest.raises(InputError) as error:
        read_beats(tmp_path)
    assert str(error.value) == f"--data with a folder needs {not_installed('ecg')}"


OWN = {"own_beats": 10, "own_copies": 4, "test_after_s": 100.0}


def test_own_beats_join_the_others() -> None:
    """The subject's first beats, each so often, beside the same others on the same scale; later beats are tested."""
    source = DataSource(subject=21)
    plain, d = data(source)
    config, own = data(source, **OWN)
    beats = synthetic_beats()
    assert beats.time_s is not None
    here = np.flatnonzero(beats.record == 21)
    assert config.train_samples == len(own.train_t) == plain.train_samples + 40
    assert np.array_equal(own.train_x[40:], d.train_x) and np.array_equal(own.train_t[40:], d.train_t)
    assert own.scaling is not None and d.scaling is not None
    scaled = own.scaling.features(beats.x[here], bias=False)
    assert np.array_equal(own.train_x[:40], np.repeat(scaled[:10], 4, axis=0))
    assert np.array_equal(own.scaling.scale, d.scaling.scale) and np.array_equal(own.scaling.mean, d.scaling.mean)
    late = beats.time_s[here] >= 100
    assert np.array_equal(own.test_x, scaled[late]) and 0 < config.test_samples == late.sum() < BEATS
    assert own.notes[3].startswith("the first 10 beats of record 21, ")


def test_copies_weigh_as_sample_weights_do() -> None:
    """Against scikit-learn: a point four times is a point of weight four."""
    from sklearn.linear_model import LogisticRegression

    _, d = data(DataSource(subject=21), **OWN)
    once = np.r_[0:40:4, 40 : len(d.train_t)]
    weighted = LogisticRegression(tol=1e-9, max_iter=1000)
    weighted.fit(d.train_x[once], d.train_t[once], sample_weight=np.where(once < 40, 4.0, 1.0))
    repeated = LogisticRegression(tol=1e-9, max_iter=1000).fit(d.train_x, d.train_t)
    assert np.allclose(weighted.coef_, repeated.coef_, atol=1e-4)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("own_beats=5", "own_beats must be 0 where all beats are tested, not 5"),
        ("own_copies=3", "own_copies must be a power of two, not 3"),
        ("own_beats=9 test_after_s=3", "own_beats must be at most 3, the beats of record 24 before 3 s, not 9"),
        ("own_beats=5 test_after_s=9 train_samples=5", "train_samples must be at least 6, own beats and others, not 5"),
        ("beat_split=ds1_ds2", "beat_split must be subject where --data lacks records of the database, not ds1_ds2"),
        ("test_after_s=1e5", "test_samples must be at most 0, the beats of record 24 from 100000 s on, not 1"),
    ],
)
def test_refusals_of_own_beats(capsys: CaptureFixture[str], settings: str, message: str) -> None:
    given = [f"--set={text}" for text in settings.split()]
    assert refusal(capsys, "train", "ecg", "--engine", "twin", *given) == message


def test_the_option_own(capsys: CaptureFixture[str], tmp_path: Path) -> None:
    """`--own` sets its keys, which `--set` may change; other tasks and files without positions refuse it."""
    command = ("train", "ecg", "--engine", "twin", "--own", "7")
    config = json.loads(oxmc(capsys, *command, "--set", "test_after_s=90", "--dry-run", "--json").out)["config"]
    assert (config["own_beats"], config["test_after_s"], config["train_samples"]) == (7, 90.0, 257)
    late = "test_samples must be at most 0, the beats of record 24 from 300 s on, not 1"  # which is made up, and ends
    assert refusal(capsys, *command) == late
    assert refusal(capsys, "train", "toy", "--own", "7") == (
        "--own must be left out for task toy, which does not take it, not '7'"
    )
    assert refusal(capsys, "train", "ecg", "--own", "x") == "--own must be an integer >= 1, not 'x'"
    path = beats_file(tmp_path / "beats.npz")
    said = refusal(capsys, "train", "ecg", "--engine", "twin", "--data", path, "--subject", "203", "--own", "3")
    assert said == "--data must hold sample, the beats' positions, for test_after_s"


@pytest.mark.parametrize(
    ("sample", "message"),
    [
        (np.zeros(60, int), "sample must rise from 0 on in each record, which it does not in 201"),
        (np.arange(60) - 1, "sample must rise from 0 on in each record, which it does not in 201"),
        (np.arange(59), "sample must be as long as rec (60), not (59,)"),
        (np.arange(60.0), "sample must hold integers, not values of type float64"),
    ],
)
def test_positions_that_cannot_be(tmp_path: Path, sample: np.ndarray, message: str) -> None:
    with pytest.raises(InputError) as error:
        read_beats(beats_file(tmp_path / "beats.npz", sample=sample))
    assert str(error.value).startswith(message)


def test_intervals_of_a_recording() -> None:
    """By hand: beats at 0, 1, 2, 2.5, 4 s; the usual interval is the mean of those before."""
    from oxmc.pymodels.tasks.ecg_aami import intervals

    found = intervals(np.repeat([7, 8], [5, 1]), np.array([0, 1, 2, 2.5, 4, 9.0]))
    assert np.allclose(found[3], [0.5, 0.5, 1.5, 3.0])
    assert np.allclose(found[4], [1.5, 1.5 / 0.875, 1.5 / 0.875, 1.0]) and np.allclose(found[5], 1)


def test_classes_and_patients_of_the_field(data_dir: Path) -> None:
    """As de Chazal et al. count them, less records 106 and 200 and beats at the ends of recordings."""
    from oxmc.pymodels.tasks import ecg_aami

    beats = read_beats(data_dir / "mitbih_beats.npz")
    published = {"DS1": (45_866, 944, 3_788, 415, 8), "DS2": (44_259, 1_837, 3_221, 388, 7)}
    lacking = {"DS1": (1_507, 0, 520, 0, 0), "DS2": (1_743, 30, 826, 2, 0)}
    for name, counts in published.items():
        here = np.isin(beats.record, getattr(ecg_aami, name))
        found = np.bincount(ecg_aami.classes_of(beats.symbol[here]), minlength=5)
        apart = np.array(counts) - lacking[name] - found
        assert (np.abs(apart) <= (60, 3, 3, 3, 3)).all(), apart
        assert not {*getattr(ecg_aami, name)} & {*ecg_aami.PACED}
    assert not {*ecg_aami.DS1} & {*ecg_aami.DS2}


def test_the_field_s_task(data_dir: Path) -> None:
    """Five outputs of 14 features; classes in equal shares but for those with few beats."""
    source = DataSource(data=data_dir / "mitbih_beats.npz")
    keys = {"beat_classes": "aami", "beat_features": "spectrum_rr", "beat_split": "within_ds1", "hidden": 0}
    config, d = data(source, **keys, test_samples=500)
    assert (config.outputs, config.counters, config.features) == (5, "own", 14)
    counts = np.bincount(d.train_t, minlength=5)
    assert counts.sum() == 250 and np.ptp(counts[:3]) <= 1
    assert counts[3:].tolist() == [41, 2]  # all that two thirds of DS1 have of F and Q: record 208 has most of F
    assert d.class_names == ("N", "S", "V", "F", "Q") and len(d.feature_names) == 14
    with pytest.raises(InputError, match="^own_beats must be 0 with beat_split = within_ds1, not 5$"):
        config.replace(own_beats=5, test_after_s=9.0)
