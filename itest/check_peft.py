#!/usr/bin/env python3
"""Checks that peft itself loads the adapters that Flywheel exports, and that both compute the same.

Makes adapters with peft on the built-in base, sends them through `./flywheel adapter import` and `export`, loads what
came out with peft, and compares the logits of four ways to run them: peft with the original, peft with the export,
Flywheel with the export, and transformers with the model that `./flywheel adapter merge` wrote.

    python3 itest/check_peft.py            exit code 0: all the same; 1: not, with the figures

Needs torch, transformers, peft and safetensors (pip install torch transformers peft safetensors); where one is missing
it says SKIPPED and ends with exit code 0.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HOME = pathlib.Path(__file__).resolve().parent.parent
BASE = HOME / "models" / "flywheel-base"
IDS = [[117, 260, 730, 33, 271], [5, 6, 7], list(range(100, 140))]
TOLERANCE = 2e-4  # float32 in another order of summation; the logits are of size 10

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_OFFLINE", "1")
try:
    import peft
    import torch
    import transformers
    from peft import LoraConfig, PeftModel, get_peft_model
    from safetensors.torch import load_file
    from transformers import AutoModelForCausalLM
except ImportError as missing:
    print(f"SKIPPED: {missing}; this check needs torch, transformers, peft and safetensors", file=sys.stderr)
    sys.exit(0)

transformers.utils.logging.disable_progress_bar()

# name: what peft is told; each has random A and B, so that every module matters.
ADAPTERS = {
    "plain": dict(r=8, lora_alpha=16, target_modules=["q_proj", "v_proj"]),
    "all-modules": dict(r=4, lora_alpha=4, target_modules="all-linear"),
    "one-layer": dict(r=2, lora_alpha=3, target_modules=["o_proj", "down_proj"], layers_to_transform=[1]),
    "regex": dict(r=8, lora_alpha=8, target_modules=r".*\.(1|3)\.self_attn\.(q|k)_proj"),
    "rank-stabilised": dict(r=16, lora_alpha=16, target_modules=["q_proj", "up_proj"], use_rslora=True),
}


def flywheel(*args):
    result = subprocess.run([str(HOME / "flywheel"), *map(str, args)], capture_output=True, text=True)
    if result.returncode != 0:
        raise SystemExit(f"FAILED: flywheel {' '.join(map(str, args))}\n{result.stderr}")
    return result.stdout


def base():
    return AutoModelForCausalLM.from_pretrained(BASE, dtype=torch.float32)


def logits(model):
    model.eval()
    with torch.no_grad():
        return [model(torch.tensor([ids])).logits[0].float() for ids in IDS]


def flywheel_logits(model, adapter, out):
    prompts = [word for ids in IDS for word in ("--ids", ",".join(map(str, ids)))]
    extra = ["--adapter", adapter] if adapter else []
    flywheel("model", "logits", "--model", model, *extra, *prompts, "--out", out)
    tensors = load_file(out)
    return [tensors[f"logits.{i}"] for i in range(len(IDS))]


def distance(a, b):
    return max((x - y).abs().max().item() for x, y in zip(a, b))


def make(name, settings, folder):
    torch.manual_seed(sum(map(ord, name)))
    model = get_peft_model(base(), LoraConfig(task_type="CAUSAL_LM", **settings))
    with torch.no_grad():
        for parameter_name, parameter in model.named_parameters():
            if "lora_" in parameter_name:
                parameter.normal_(0, 0.08)
    model.save_pretrained(folder)
    return logits(model)


def check(name, settings, folder, bare, wide):
    original, exported, merged = folder / "original", folder / "exported", folder / "merged"
    expected = make(name, settings, original)
    effect = distance(expected, bare)
    flywheel("adapter", "import", original, "--name", f"check/{name}", "--data", folder / "data")
    flywheel("adapter", "export", f"check/{name}", "--data", folder / "data", "--out", exported, "--base-name", BASE)
    # In float32, so that merging rounds no more than running does; the base's own bf16 would round the sums again.
    flywheel("adapter", "merge", original, "--model", wide, "--out", merged)
    loaded = PeftModel.from_pretrained(base(), exported)
    figures = {
        "peft, what was exported": (distance(expected, logits(loaded)), TOLERANCE),
        "flywheel, what was exported": (distance(expected, flywheel_logits(BASE, exported, folder / "a.safetensors")), TOLERANCE),
        "flywheel, what peft wrote": (distance(expected, flywheel_logits(BASE, original, folder / "b.safetensors")), TOLERANCE),
        "transformers, merged": (
            distance(expected, logits(AutoModelForCausalLM.from_pretrained(merged, dtype=torch.float32))), TOLERANCE),
    }
    before, after = load_file(original / "adapter_model.safetensors"), load_file(exported / "adapter_model.safetensors")
    same = before.keys() == after.keys() and all(torch.equal(before[key], after[key]) for key in before)
    held = same and effect > 0.5 and all(got <= allowed for got, allowed in figures.values())
    print(f"{'ok  ' if held else 'FAIL'} {name:16s} effect {effect:.2f}, tensors {'the same' if same else 'DIFFER'}; largest differences: "
          + ", ".join(f"{what} {got:.2g} (allowed {allowed:g})" for what, (got, allowed) in figures.items()))
    return held


def check_all(root):
    bare = logits(base())
    wide = root / "wide"
    base().save_pretrained(wide)
    for file in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(BASE / file, wide)
    held = distance(bare, flywheel_logits(BASE, None, root / "bare.safetensors")) <= TOLERANCE
    print("ok   bare base" if held else "FAIL bare base", flush=True)
    for name, settings in ADAPTERS.items():
        (root / name).mkdir()
        held &= check(name, settings, root / name, bare, wide)
    return held


def main():
    flywheel("--version")  # builds on first use
    root = pathlib.Path(tempfile.mkdtemp(prefix="flywheel-peft-"))
    try:
        held = check_all(root)
    finally:
        shutil.rmtree(root)
    print(f"{len(ADAPTERS)} adapters, peft {peft.__version__}, transformers {transformers.__version__}: "
          + ("all the same" if held else "NOT the same"))
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
