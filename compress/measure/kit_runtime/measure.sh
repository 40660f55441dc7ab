#!/bin/sh
# Measures the kit beside it with TensorRT: sh measure.sh
# Needs trtexec (or TRTEXEC=its path), sha256sum, and python3 with numpy (or PYTHON=its path) for weights and frame loop.
set -eu
export LC_ALL=C
cd "$(dirname "$0")"
trtexec=${TRTEXEC:-$(command -v trtexec || echo /usr/src/tensorrt/bin/trtexec)}
python=${PYTHON:-python3}
. ./kit.env # id, precision, timed, warm_ms
start=$(date +%s)

fail() {
  echo "Error: $1" >&2
  exit 1
}
[ -x "$trtexec" ] || fail "there is no trtexec here; name it with TRTEXEC=/path/to/trtexec."
sha256sum -c SHA256SUMS >/dev/null || fail "the kit is not what it was written as. Copy it again."
busy=${TMPDIR:-/tmp}/compress-measure.busy
mkdir "$busy" 2>/dev/null || fail "another measurement is running; if none is, remove $busy."
trap 'rmdir "$busy"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
mkdir -p engines work

"$python" measure.pyz --loop >work/host.json || fail "python3 with numpy is needed to make weights and time the frame loop."

half=
[ "$precision" = fp32 ] || half=--$precision
for graph in graphs/*.onnx; do
  name=$(basename "$graph" .onnx)
  echo "building $name" >&2
  [ -s "engines/$name.engine" ] || "$trtexec" --onnx="$graph" --saveEngine="engines/$name.engine" $half --warmUp=0 \
    --duration=0 --iterations=1 >"engines/$name.log" 2>&1 </dev/null || fail "trtexec cannot build $name: see engines/$name.log"
done
version=$(sed -n 's/.*\[TensorRT v\([0-9]*\)\].*/\1/p' "engines/$name.log" | head -n 1)

comma=
while read -r batch round call graph; do
  echo "batch $batch, round $round, call $call" >&2
  "$trtexec" --loadEngine="engines/$graph.engine" --warmUp="$warm_ms" --duration=0 --iterations="$timed" \
    --exportTimes=work/times.json >work/log 2>&1 </dev/null || fail "trtexec cannot run $graph: see work/log"
  printf '%s{"batch":%s,"round":%s,"call":%s,"times":' "$comma" "$batch" "$round" "$call"
  tr -d '\n' <work/times.json
  printf '}'
  comma=,
done <visits.txt >work/visits.json

{
  printf '{"format":"compress-results-tensorrt","version":1,"kit":"%s","runtime":"TensorRT %s","seconds":%s,"host":' \
    "$id" "${version:-unknown}" "$(($(date +%s) - start + 1))"
  cat work/host.json
  printf ',"visits":['
  cat work/visits.json
  printf ']}'
} >work/body.json
sum=$(sha256sum work/body.json | cut -c1-64)
{
  printf '{"sha256":"%s","body":' "$sum"
  cat work/body.json
  printf '}\n'
} >work/results.json
mv work/results.json results.json
echo "Results are in results.json." >&2
