#!/usr/bin/env bash
# Everything that is to be known of a GPU, in one command and at most 9 minutes, on a bare machine: an NVIDIA GPU,
# CUDA's compiler, CMake, a C++20 compiler, and Python with torch 2.11 or newer. No Node, no network.
#   scripts/device/check.sh --graphs DIR [--out DIR] [--seconds 520] [--dry]
# The graphs are made beforehand, where there is Node: node scripts/device/graphs.mjs DIR
# It builds lm-check, lm_cuda.so and lm_cuda_graphs, compares losses and gradients with the CPU, captured and not, runs compute-sanitizer on two steps,
# times the kernels alone, and races PyTorch; out/results.json and out/results.md say what was found.
# --dry does the same on the CPU, at sizes that say nothing: it tries this script's lines, and the card is "cpu".
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
graphs='' out=$root/build/device seconds=520 device=cuda python=${PYTHON:-python3}
while [ $# -gt 0 ]; do
  case $1 in
    --graphs) graphs=$2 && shift 2 ;;
    --out) out=$2 && shift 2 ;;
    --seconds) seconds=$2 && shift 2 ;;
    --dry) device=cpu && shift ;;
    *) echo "Unknown option $1; the head of this file says what there is" >&2 && exit 2 ;;
  esac
done
if [ ! -d "$graphs/compare" ] || [ ! -d "$graphs/race" ]; then
  echo "No graphs in '$graphs': node scripts/device/graphs.mjs DIR makes them where there is Node" >&2
  exit 2
fi
cores=$(nproc)
[ "$cores" -ge 4 ] || [ "$device" = cpu ] || { echo "4 cores are wanted, not $cores" >&2 && exit 2; }
mkdir -p "$out/race"
out=$(cd "$out" && pwd) graphs=$(cd "$graphs" && pwd)
rm -f "$out"/*.json "$out"/*.md "$out"/sanitizer.txt "$out"/race/*.json
left() { echo $((seconds - SECONDS)); }
# say NAME: a line with the time that is left
say() { echo "== $1 (${SECONDS} s, $(left) s left)"; }
# within SECONDS FILE COMMAND…: its standard output into the file, where it ends well in time, and time is left.
within() {
  local limit=$1 file=$2
  shift 2
  [ "$(left)" -gt 10 ] || { echo "   left out, for time: $(basename "$file")" && return 1; }
  [ "$limit" -lt "$(left)" ] || limit=$(left)
  if timeout "$limit" "$@" >"$file.part" 2>"$file.log"; then
    mv "$file.part" "$file" && rm -f "$file.log"
  else
    echo "   failed or too slow: $(basename "$file"): $(tail -n 1 "$file.log")"
    rm -f "$file.part"
    return 1
  fi
}

say 'what is here'
torch=$("$python" -c 'import torch; print(torch.__path__[0])') || { echo "No torch in $python" >&2 && exit 2; }
within 60 "$out/card.json" "$python" "$here/card.py" --device "$device" || exit 1
cat "$out/card.json"

say 'build'
build=$out/cmake bin=$out/bin
targets=(lm-check)
options=(-DLM_ADDON=OFF "-DLIBTORCH=$torch" "-DLM_OUT=$bin" -DCMAKE_BUILD_TYPE=Release)
if [ "$device" = cpu ]; then
  targets+=(lm_cuda_host) library=$bin/lm_cuda_host.so
else
  capability=$("$python" -c "import json; print(json.load(open('$out/card.json'))['capability'].replace('.', ''))")
  targets+=(lm_cuda lm_cuda_graphs) library=$bin/lm_cuda.so
  options+=(-DLM_CUDA=ON "-DLM_CUDA_ARCHITECTURES=$capability")
fi
cmake -S "$root" -B "$build" "${options[@]}" >"$out/build.log" 2>&1 &&
  timeout "$(left)" cmake --build "$build" --target "${targets[@]}" --parallel "$cores" >>"$out/build.log" 2>&1 ||
  { tail -n 30 "$out/build.log" && exit 1; }
# The library of CUDA is found by name, as its companions are: where libtorch lies.
export LD_LIBRARY_PATH="$torch/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
export LM_RESNET_CUDA_KERNELS=$library # lm_cuda_graphs lies beside lm-check

# Sizes that a GPU is worth, and sizes at which only the lines are tried.
largest=96 imagenet=(256 224) cifar=(128 32) chunk=10 chunks=5 modes=(eager graph) jobs=4
if [ "$device" = cpu ]; then
  largest=64 imagenet=(2 32) cifar=(2 32) chunk=1 chunks=1 modes=(eager) jobs=1
fi

say 'losses and gradients beside the CPU'
within 130 "$out/compare.json" "$python" "$here/compare.py" --check "$bin/lm-check" --graphs "$graphs/compare" \
  --device "$device" --jobs "$jobs" --threads $((cores / jobs)) --largest "$largest" --seconds 90

say 'kernels alone'
copy=$("$python" -c "import json; print(json.load(open('$out/card.json'))['copyGBs'])")
within 60 "$out/kernels.json" "$python" "$here/kernels.py" --library "$library" --device "$device" --copy "$copy"

say 'compute-sanitizer on two steps'
two=("$bin/lm-check" "$graphs/compare/lm_resnet20.json" --device "$device" --steps 2 --batch 8 --amp bfloat16)
if command -v compute-sanitizer >/dev/null && [ "$device" != cpu ]; then
  within 60 "$out/sanitizer.txt" compute-sanitizer --error-exitcode 9 "${two[@]}"
else
  within 60 "$out/steps.json" "${two[@]}" && echo "not run: no compute-sanitizer, or no GPU" >"$out/sanitizer.txt"
fi

# rival MODE LIMIT NET BATCH SIZE
rival() {
  within "$2" "$out/race/$3.$1.json" "$python" "$here/rival.py" --net "$3" --mode "$1" --device "$device" \
    --batch "$4" --size "$5" --chunk "$chunk" --chunks "$chunks"
}
# race NET BATCH SIZE: ours, then PyTorch in each mode; of a twin ours alone. Pixels are noise: a small rate, so that
# nothing overflows.
race() {
  local mode
  within 60 "$out/race/$1.ours.json" "$bin/lm-check" "$graphs/race/$1.json" --device "$device" --batch "$2" \
    --size "$3" --amp bfloat16 --lr 0.001 --benchmark 1 --capture 1 --chunk "$chunk" --steps $((chunk * (chunks + 1))) --threads "$cores"
  case $1 in *_euler) return ;; esac
  for mode in "${modes[@]}"; do rival "$mode" 75 "$@"; done
}

say 'race at ImageNet size'
for net in lm_resnet50 lm_resnet50_euler resnet50 lm_resnext50_32x4d; do race "$net" "${imagenet[@]}"; done
say 'race at CIFAR size'
for net in lm_resnet20 lm_resnet110; do race "$net" "${cifar[@]}"; done
if [ "$device" != cpu ]; then
  say 'race: torch.compile, as far as time goes'
  rival compile 110 lm_resnet50 "${imagenet[@]}"
  rival compile 60 lm_resnet20 "${cifar[@]}"
  rival compile 110 resnet50 "${imagenet[@]}"
  rival max-autotune 120 lm_resnet20 "${cifar[@]}"
  rival compile 110 lm_resnext50_32x4d "${imagenet[@]}"
  rival compile 120 lm_resnet110 "${cifar[@]}"
  rival max-autotune 120 lm_resnet50 "${imagenet[@]}"
fi

say 'results'
"$python" "$here/report.py" "$out"
