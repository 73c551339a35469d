# `make` alone lists the targets.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
export MLFLOW_DISABLE_TELEMETRY := true
export ORT_DISABLE_TELEMETRY := 1
LIBRARIES := libgl1 libglib2.0-0 libxcb1
export MLFLOW_TRACKING_URI ?= sqlite:///$(CURDIR)/mlflow.db

.PHONY: help setup params repro ui track base test test-all lint lock ablate sweep leakage \
	bench-extract bench-split bench-eval bench-train bench-engine bench-shadow bench-shape bench-day coverage promotion \
	promotion-line year interop doctor chromium clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

setup: .venv/.ready ## make .venv and install everything that is locked

.venv/.ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11"; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@echo "installing what requirements.lock pins (about 7 GB with torch) ..."
	@$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python -r requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps -e .
	@$(BIN)/python -c 'import cv2' 2>/dev/null || { echo "OpenCV needs system libraries: $(LIBRARIES)"; \
		test "$$(id -u)" = 0 && apt-get update -qq && apt-get install -qq -y --no-install-recommends $(LIBRARIES); }
	@touch $@

params: setup ## compose conf/ into params.yaml (ARGS="model=yolov8n_coco" overrides)
	@python -m glue.compose $(ARGS)

repro: params ## rebuild whatever is not up to date, and say what came out
	@dvc repro $(ARGS_DVC)
	@provenline summary

ui: setup ## open the MLflow UI on port 5000 (a team's server has its own)
	@case "$(MLFLOW_TRACKING_URI)" in http*) echo "open $(MLFLOW_TRACKING_URI)"; exit;; esac; mlflow ui --workers 1 --backend-store-uri $(MLFLOW_TRACKING_URI) --port 5000

track: setup ## send to MLflow what a server that was down has not got yet
	@python -m glue.tracking.track
	@python -m glue.pin
	@python -m glue.tracking.registry

ablate: setup ## what each augmentation is worth, over seeds and videos; goes on where it stopped (ARGS="small"; "seeds": how far trainings scatter)
	@python -m glue.experiments.ablate $(ARGS)

sweep: setup ## three augmentations with one seed each, to look at (ARGS="profile=tiny")
	@python -m glue.experiments.ablate sweep $(ARGS)

leakage: setup ## what a split by single frames would have printed: two trainings, one report
	@python -m glue.experiments.leakage $(ARGS)

bench-extract: setup ## frame extraction against its floor and OpenCV, ffmpeg, torchcodec (some minutes)
	@python -m benchmarks.extract $(ARGS)

bench-split: setup ## near-duplicates and splitting at 100,000 frames against their floor and a peer
	@python -m benchmarks.split $(ARGS)

bench-eval: setup ## AP with intervals at 20,000 frames against re-evaluating with pycocotools and faster-coco-eval
	@python -m benchmarks.evaluate $(ARGS)

bench-train: setup ## fine-tuning against a plain `yolo train`, and the limits of network and loader (ARGS="--device 0")
	@python -m benchmarks.train $(ARGS)

bench-engine: setup ## engines, file to boxes, against ultralytics' predict and a bare ONNX Runtime loop
	@python -m benchmarks.engine $(ARGS)

bench-shadow: setup ## a shadow run, film to both engines' boxes, against a plain loop and both engines alone
	@python -m benchmarks.shadow $(ARGS)

bench-shape: setup ## what an input of the cameras' shape is worth with the base of the last run (ARGS="--imgsz 192 320")
	@python -m benchmarks.shape $(ARGS)

bench-day: setup ## the memory of a shadow run over a day of two cameras, compressed in time (a quarter of an hour; ARGS="--hours 2")
	@python -m benchmarks.day $(ARGS)

coverage: setup ## how often nominal 95% intervals hold a known truth: docs/coverage.csv and its picture (20 minutes)
	@python -m benchmarks.coverage --write $(ARGS)

promotion: setup ## how often the shadow run decides rightly from few labels: the table of docs/guide-shadow.md (some minutes)
	@python -m benchmarks.promotion $(ARGS)

promotion-line: setup ## the same of the engines of the last run (minutes)
	@python -m benchmarks.promotion_line $(ARGS)

year: setup ## a simulated year of monthly rounds, by the commands of a team (about an hour; ARGS="--size tiny", "--write")
	@python -m benchmarks.year $(ARGS)

interop: setup .venv-interop/.ready ## hold our label readers and writers against datumaro's (REAL=folder adds real exports)
	@python tools/check_interop.py $(if $(REAL),--real $(REAL))

.venv-interop/.ready: # an environment of its own: datumaro brings a second OpenCV
	@$(BIN)/uv venv --quiet --python $(BIN)/python .venv-interop
	@$(BIN)/uv pip install --quiet --python .venv-interop/bin/python 'datumaro==1.13.12'
	@touch $@

base: setup ## train the simulated line's base model again (about 17 minutes on two cores)
	@python tools/train_base.py

test: setup lint ## the quick tests
	@pytest -n auto --dist loadfile

test-all: test chromium interop ## the slow ones too: servers, browser, kills, the whole line
	@pytest -n auto --dist loadfile -m "slow or browser"

lint: setup ## ruff and mypy
	@ruff check .
	@ruff format --check .
	@mypy provenline glue stages

lock: setup ## compile requirements.lock anew from pyproject.toml
	@uv pip compile --quiet --universal --python-version 3.11 --extra train --extra transformers --extra dev \
		--custom-compile-command "make lock" pyproject.toml -o requirements.lock

doctor: setup ## what this machine can do, and what is missing
	@provenline doctor

chromium: # a headless browser for the tests that open the page
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || \
		{ test "$$(id -u)" = 0 && apt-get update -qq && apt-get install -qq -y --no-install-recommends chromium >/dev/null; } || \
		echo "no Chromium found: install it to run the browser tests"

clean: ## remove what stages wrote (the DVC cache stays, so `dvc repro` finds it again)
	@dvc list . --recursive --dvc-only 2>/dev/null | while read -r path; do rm -f "$$path"; done
