
function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    "SUMMARY %d %d %d %d %.0f %.0f\n",
    summary.requests, summary.duration, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
