"""What is asked of a pm2 daemon on its host.

``pm2 jlist`` costs half a second of CPU, starts a daemon where none runs, and prints the whole environment of every
app. All it does is to call ``getMonitorData`` of the daemon over its socket, and so does this, in some 60 ms, with the
daemon's own node: a look never starts a daemon, needs neither PATH nor a login shell, and the environment never leaves
the host. ``pm2 jlist`` is asked where the socket may not be used: through sudo, or of a daemon of another mind.
"""

PATIENCE = 1600
"""Milliseconds that pm2 waits for the end of an app which has no ``kill_timeout``."""
GRACE = 1.5
"""Seconds that a start takes beside the time an app is given to end."""

# Arguments: survey HOME DIRECT, or run|status WORDS ("api", "3 4"), or named WORDS with the name on a line of its own;
# SOCKET or "-" for what pm2 jlist prints on standard input comes before. Frames as in the package "amp": a byte of
# version and count, then each part with its length in front; pm2-axon marks parts as "j:" JSON and "s:" text, and
# numbers its requests in the last one.
ASK_JS = r"""
var net = require('net'), fs = require('fs'), path = require('path');
var args = process.argv.slice(1).filter(function (word) { return word !== '--'; });
var socket = args[0], mode = args[1], words = args[2] || '', direct = args[3];
function out(value) { fs.writeSync(1, (typeof value === 'string' ? value : JSON.stringify(value)) + '\n'); }
function end(code, why) { out(why); process.exit(code); }
setTimeout(function () { end(4, 'does not answer within 6 s'); }, 6000);
function pack(parts) {
  var all = [Buffer.from([16 | parts.length])];
  parts.forEach(function (part) {
    var body = Buffer.from(part), size = Buffer.alloc(4);
    size.writeUInt32BE(body.length, 0);
    all.push(size, body);
  });
  return Buffer.concat(all);
}
function unpack(data) {
  var count = data[0] & 15, at = 1, parts = [];
  for (var i = 0; i < count; i++) {
    if (data.length < at + 4) return null;
    var size = data.readUInt32BE(at);
    if (data.length < at + 4 + size) return null;
    parts.push(data.slice(at + 4, at + 4 + size).toString());
    at += 4 + size;
  }
  return {parts: parts, rest: data.slice(at)};
}
function call(methods, done) {
  var told = {}, left = methods.length, data = Buffer.alloc(0), link = net.connect(socket);
  link.on('error', function (error) {
    var why = {ENOENT: 'has no socket ', ECONNREFUSED: 'does not listen on ', EACCES: 'lets nobody use '}[error.code];
    end(6, (why || error.code + ' on ') + socket);
  });
  link.on('close', function () { end(6, 'closed its socket'); });
  methods.forEach(function (method, n) {
    link.write(pack(['j:' + JSON.stringify({type: 'call', method: method, args: [{}]}), 's:' + n]));
  });
  link.on('data', function (chunk) {
    data = Buffer.concat([data, chunk]);
    for (var frame; left && data.length && (frame = unpack(data)); data = frame.rest) {
      var answer = JSON.parse(frame.parts[0].slice(2));
      told[methods[Number(frame.parts[frame.parts.length - 1].slice(2))]] = answer.args && answer.args[0];
      left--;
    }
    if (!left) done(told);
  });
}
// pm2 prints banners first, some of which begin with a bracket; an empty list is the last thing to believe.
function listed(text) {
  var found = array(text, /^\[\s*\{/) || array(text, /^\[\]\s*$/m);
  return found || end(7, text.trim().split('\n').pop().slice(0, 200) || 'says nothing');
}
function array(text, form) {
  for (var at = text.indexOf('['); at >= 0; at = text.indexOf('[', at + 1)) {
    if (text.slice(at, at + 200).search(form) !== 0) continue;
    var last = text.length;
    while ((last = text.lastIndexOf(']', last - 1)) > at) {
      try { return JSON.parse(text.slice(at, last + 1)); } catch (error) { if (last < text.length - 200) break; }
    }
  }
  return null;
}
function real(file) { try { return fs.realpathSync(file); } catch (error) { return null; } }
function which(name) {
  return (process.env.PATH || '').split(':').map(function (folder) {
    return folder[0] === '/' ? real(path.join(folder, name)) : null;
  }).filter(Boolean)[0] || null;
}
// What a daemon says of itself may be said by whoever has its socket: only what this user and root alone write is run.
function ours(file) {
  for (var at = file; at; at = at === '/' ? null : path.dirname(at)) {
    var found = fs.statSync(at), shared = (found.mode & 2) && !(found.isDirectory() && found.mode & 512);
    if (shared || found.uid !== 0 && found.uid !== process.getuid()) return null;
  }
  return file;
}
function safe(file) { return (file = real(file)) && ours(file); }
function tool(report) {
  var argv = Array.isArray(report.argv) ? report.argv : [], main = real(String(argv[1] || '')) || '/';
  var pm2 = safe(path.join(main, '../../bin/pm2')) || safe(path.join(process.execPath, '../pm2')) || safe(which('pm2'));
  if (!pm2) return null;
  if (which('pm2') === pm2 && which('node') === process.execPath) return ['pm2'];
  return [process.execPath, pm2];
}
function alive(found) {
  return /^(online|launching|stopping|one-launch-status)$/.test(found.pm2_env.status) && found.pid > 0 ? found.pid : 0;
}
function app(found) {
  var own = found.pm2_env || {}, port = String((own.env || {}).PORT || own.PORT || '');
  return {
    id: own.pm_id, name: found.name, space: own.namespace, pid: alive(found), status: own.status, mode: own.exec_mode,
    began: own.pm_uptime, made: own.created_at, restarts: own.restart_time, unstable: own.unstable_restarts,
    code: own.exit_code, again: String(own.autorestart) !== 'false', patience: own.kill_timeout, cron: own.cron_restart,
    version: own.version, out: own.pm_out_log_path, err: own.pm_err_log_path, watch: !!own.watch, user: own.username,
    script: own.pm_exec_path, cwd: own.pm_cwd, module: !!own.pmx_module,
    port: /^\d{1,5}$/.test(port) ? Number(port) : undefined
  };
}
function survey(told) {
  var report = told.getReport || {};
  out({now: Date.now(), version: report.pm2_version, tool: socket === '-' ? undefined : tool(report)});
  told.getMonitorData.forEach(function (found) {
    try { out(app(found)); } catch (error) { out({bad: String(error.message)}); }
  });
}
function chosen(all) {
  var wanted = words.split(' ');
  var byName = all.filter(function (found) { return found.name === words; });
  return byName.length ? byName : all.filter(function (found) {
    return wanted.indexOf(String(found.pm2_env.pm_id)) >= 0;
  });
}
function named(all) {
  var at = words.indexOf('\n'), name = words.slice(at + 1);
  words.slice(0, at).split(' ').forEach(function (id) {
    var found = all.filter(function (each) { return String(each.pm2_env.pm_id) === id; })[0];
    var own = found ? [found.name, (found.pm2_env.namespace || 'default') + '/' + found.name] : ['nothing'];
    if (found && own.indexOf(name) >= 0) return;
    end(8, 'has ' + own[0] + ' as number ' + id + ', not ' + name + ': look again');
  });
}
// What a person does sets created_at and unstable_restarts; the next run begins within the patience for the last one.
function again(own) {
  if (!own.restart_time || own.unstable_restarts || !own.created_at) return !!own.restart_time;
  return own.pm_uptime - own.created_at > (own.exit_code ? 1000 : (own.kill_timeout || @PATIENCE@) + @GRACE@);
}
function look(all) {
  var found = chosen(all).filter(function (each) { return String(each.pm2_env.pm_id).indexOf('_old_') < 0; });
  if (!found.length) end(8, 'knows no ' + words);
  if (mode === 'run') {
    out('MainPID=' + (found.map(alive).filter(Boolean)[0] || 0));
    out('Runs=' + found.map(function (each) {
      return [each.pm2_env.pm_id, alive(each), alive(each) ? each.pm2_env.pm_uptime : 0].join(':');
    }).join(' '));
    out('Again=' + found.filter(function (each) { return again(each.pm2_env); }).length);
  } else found.forEach(function (each) { out(String(each.pm2_env.status).replace(/\s+/g, '-')); });
}
function done(told) {
  if (!Array.isArray(told.getMonitorData)) end(7, 'has no getMonitorData');
  if (mode === 'survey') survey(told); else (mode === 'named' ? named : look)(told.getMonitorData);
  process.exit(0);
}
if (socket === '-') done({getMonitorData: listed(fs.readFileSync(0).toString())});
else call(mode === 'survey' ? ['getMonitorData', 'getReport'] : ['getMonitorData'], done);
""".replace("@GRACE@", str(round(GRACE * 1000))).replace("@PATIENCE@", str(PATIENCE))
