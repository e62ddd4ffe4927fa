-- Fresh ids for wrk: each request is BEFORE .. id .. AFTER, so that building one costs a single concatenation.
-- Arguments: a file written by bench/load.py that returns {{before, after}, ...}, and the first id.
local parts, id, turn

function init(args)
   parts = dofile(args[1])
   id = tonumber(args[2])
   turn = 0
end

function request()
   id = id + 1
   turn = turn % #parts + 1
   local part = parts[turn]
   return part[1] .. id .. part[2]
end

function done(summary, latency, requests)
   local errors = summary.errors
   io.write(string.format(
      '\nBENCH {"requests":%d,"seconds":%.6f,"p50":%.1f,"p99":%.1f,"max":%.1f,"status":%d,"connect":%d,"read":%d,"write":%d,"timeout":%d}\n',
      summary.requests, summary.duration / 1e6, latency:percentile(50), latency:percentile(99), latency.max,
      errors.status, errors.connect, errors.read, errors.write, errors.timeout))
end
