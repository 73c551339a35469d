"""`provenline engine`: from a bundle to an engine that has proven itself and runs; on the device."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from provenline.progress import out

if TYPE_CHECKING:
    from provenline.device.production import Production

app = typer.Typer(no_args_is_help=True, help="Engines on the device: build, verify, install, roll back.")
HOME = Path("/opt/provenline")
_Bundle = Annotated[Path, typer.Argument(help="Folder with manifest.json, as `dvc pull` fetched it.")]
_Engine = Annotated[Path, typer.Argument(help="What `engine build` wrote, or an ONNX Runtime bundle.")]
_Wanted = Annotated[str, typer.Option("--bundle-sha256", help="Refuse any other bundle than this one.")]
_Home = Annotated[Path, typer.Option(help="Where engines live on this device.")]


@app.callback()
def engine() -> None:
    """Engines on the device: build, verify, install, roll back."""


@app.command("build")
def build(
    bundle: _Bundle,
    out_folder: Annotated[Path, typer.Option("--out", help="The engine's folder; must not be there.")],
    target: Annotated[
        Literal["onnxruntime", "tensorrt"] | None,
        typer.Option(help="What runs it here; left out: what the bundle's target says."),
    ] = None,
    workspace_mb: Annotated[int, typer.Option(min=1, help="Memory for TensorRT's builder, MiB.")] = 1024,
    wanted: _Wanted = "",
) -> None:
    """Build this device's engine: TensorRT builds a plan, ONNX Runtime runs the bundle as it is."""
    from provenline.device.build import build as build_
    from provenline.engines.params import PlanParams

    plan = PlanParams(name="of this device", precision="fp16", workspace_mb=workspace_mb)
    made = build_(bundle, out_folder, target, plan, wanted)
    _say(f"{out_folder}: {made.runtime}, {made.runs_at}, within the tolerances of the bundle")


@app.command("verify")
def verify(
    folder: _Engine,
    proof: Annotated[
        Path, typer.Option(help="Where to; a bundle that DVC looks after is left alone.")
    ] = Path("proof.json"),
    warmup: Annotated[int, typer.Option(min=0, help="Calls that do not count.")] = 10,
    repeats: Annotated[int, typer.Option(min=1, help="Calls that do.")] = 100,
    wanted: _Wanted = "",
) -> None:
    """Check hashes and machine, compare the outputs, measure, and sign a proof with the device's key."""
    from provenline.device import attest, keys
    from provenline.device import proof as proofs
    from provenline.engines.params import LatencyParams

    key = keys.load(keys.state_folder())
    found = attest.attest(folder, LatencyParams(warmup=warmup, repeats=repeats), wanted)
    about = proofs.engine_of(found.manifest)
    signed = proofs.write(about, found.golden.to_dict(), found.latency, key, proof)
    golden, latency = found.golden, found.latency
    _say(f"bundle {about.bundle_sha256}")
    _say(
        f"outputs: {golden.inputs} inputs; a score differs by {golden.score:.2g} at most "
        f"({golden.score_tolerance:g} is allowed), a box by {golden.box:.2g} px ({golden.box_tolerance:g})"
    )
    _say(
        f"latency: p50 {latency['p50_ms']:g} ms, p95 {latency['p95_ms']:g} ms, p99 {latency['p99_ms']:g} ms, "
        f"{latency['images_per_s']:g} images/s, first call {latency['first_ms']:g} ms, "
        f"{latency['peak_rss_bytes'] / 1e6:.0f} MB"
    )
    _say(f"{proof}: signed by {signed.signer}; unproven until models/devices.json names that key")


@app.command("check-proof")
def check_proof(
    proof: Annotated[Path, typer.Argument(help="What `engine verify` wrote.")],
    bundle: _Bundle,
    devices: Annotated[Path | None, typer.Option(help="Left out: models/devices.json.")] = None,
) -> None:
    """Check that a device on the allow-list signed a proof of exactly this bundle."""
    from provenline.device import proof as proofs
    from provenline.device.allowed import DEVICES
    from provenline.engines import manifest

    made = manifest.verify(bundle)
    bundle_sha256 = manifest.identity(made.to_dict())
    found, name = proofs.check(proof, bundle_sha256, made.target["name"], devices or DEVICES)
    _say(f"{proof}: of the bundle {bundle_sha256}")
    _say(f"signed by {name}, {found.signer}, {found.statement.measured_at:%Y-%m-%d %H:%M} UTC")


@app.command("install")
def install(folder: _Engine, home: _Home = HOME, wanted: _Wanted = "") -> None:
    """Put an engine in its place, whole or not at all; the one before is kept."""
    from provenline.device.install import install as install_

    _runs(install_(folder, home, wanted), home)


@app.command("rollback")
def rollback(home: _Home = HOME) -> None:
    """Bring back the engine that ran before."""
    from provenline.device.install import rollback as rollback_

    _runs(rollback_(home), home)


@app.command("status")
def status(home: _Home = HOME) -> None:
    """Say what runs here, and check all its hashes."""
    from provenline.device.install import running
    from provenline.engines import manifest

    folder, said = running(home)
    made = manifest.verify(folder, said.bundle_sha256)
    _runs(said, home)
    for label, score in sorted(made.thresholds.items()):
        _say(f"{label} counts from confidence {score:.4f}")


def _runs(said: Production, home: Path) -> None:
    before = f"; before it {said.previous}" if said.previous else ""
    _say(f"{home}: {said.model_version} runs since {said.since:%Y-%m-%d %H:%M} UTC{before}")
    _say(f"bundle {said.bundle_sha256}")


def _say(text: str) -> None:
    out.print(text, highlight=False, markup=False, soft_wrap=True)
