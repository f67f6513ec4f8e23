"""The program that reads the configuration files on the host, with supervisor's own reader."""

from console.managers.port_words import VARIABLES

# Arguments: CONF PID and, of each running program, GROUP:NAME=PID=START. Values of environment variables never leave
# the host, but for ports in those that are commonly read for one; nor do those of options: what supervisor says of a
# bad one quotes it whole, so only its name and place are told. A file that may not be read is skipped by the reader
# without a word, so it is looked at here.
READER = r"""
import json, os, re, shlex, sys
def out(**line): print(json.dumps(line))
def bytes_of(path):
    try:
        with open(path, 'rb') as file: return file.read()
    except OSError: return None
def pairs(data):
    return dict(word.decode('utf-8', 'replace').split('=', 1) for word in data.split(b'\0') if b'=' in word)
conf, pid, runs = sys.argv[1], sys.argv[2], sys.argv[3:]
own = bytes_of('/proc/%s/environ' % pid)
if own is not None: os.environ.update(pairs(own))
from supervisor.options import ServerOptions
options = ServerOptions()
def wrong(why): raise ValueError(why)
options.usage = wrong
def files_read(): return [conf] + [info.split('"')[1] for info in options.parse_infos if info.startswith('Included')]
# Where it is: the line of the option whose value the words quote, else the line of the section.
def located(why, section, files):
    best = ('', '', 0, '')
    for file in files:
        inside, text = '', (bytes_of(file) or b'').decode('utf-8', 'replace')
        for number, line in enumerate(text.split('\n'), 1):
            head, option = re.match(r'\[(.{1,200})\]', line), re.match(r'([a-z_]{1,40})\s*[=:]\s*(.*)', line)
            if head: inside = head.group(1).strip()
            if section not in (inside, inside.partition(':')[2].strip()): continue
            if head and not best[1]: best = ('', file, number, '')
            value = option and option.group(2).split(' ;')[0].strip() or ''
            if 1 < len(value) > len(best[0]) and value in why: best = (value, file, number, option.group(1))
    return best[1:]
def unquoted(error):
    why = str(error)
    section = re.search(r" in section '([^'\s]{1,200})' \(file: '([^'\s]{1,300})'\)\Z", why)
    line = (re.search(r"\A[^\n']*'([^'\n]{1,300})'\n\s*\[line +(\d{1,9})\]:", why)
      or re.search(r"\nfile: '([^'\n]{1,300})', line: (\d{1,9})\n", why))
    if line: return '%s:%s: it is badly formatted' % line.groups()
    invalid = re.match(r"Invalid name: '([^'\n]{1,200})' because of character", why)
    if invalid:
        # The name of a section is no secret, and nothing but the name is wrong.
        file, number, _ = located('', invalid.group(1).strip(), files_read())
        return '%sthe name %r is not taken' % ('%s:%s: ' % (file, number) if number else '', invalid.group(1))
    name = section.group(1) if section else (re.match(r'\[([^\]\s]{1,200})\]', why) or [None, ''])[1]
    file, number, option = located(why, name, [section.group(2)] if section else files_read()) if name else ('', 0, '')
    place = '%s:%s: ' % (file, number) if number else section.group(2) + ': ' if section else ''
    option = option and option + ' of '
    words = 'is badly formatted' if ' is badly formatted: ' in why else 'is not taken'
    if 'which cannot be expanded. Available names: ' in why: words = 'has names that cannot be expanded'
    elif re.match(r'program section \S{1,200} does not specify a command', why): words = 'does not specify a command'
    if not name: return place + type(error).__name__ + ': something in it is not taken'
    return '%s%s[%s] %s' % (place, option, name, words)
try: options.realize(args=['-c', conf])
except Exception as error:
    why = str(error)
    if own is None and 'ENV_' in why: out(bad='it uses variables of the environment of supervisord, which is not seen')
    elif os.getuid() and ' does not exist' in why:
        out(bad=(unquoted(error) + ', as far as this user sees')[:300])
    else: out(bad=unquoted(error)[:300], broken=True)
    sys.exit()
files = files_read()
where = {}
for file in files:
    text = bytes_of(file)
    if text is None:
        out(bad='may not read ' + file); sys.exit()
    if own is None and b'%(ENV_' in text:
        out(bad='it uses variables of the environment of supervisord, which is not seen'); sys.exit()
    sections = r'(?m)^\[(?:program|group|eventlistener|fcgi-program):([^\n]+)\]'
    for name in re.findall(sections, text.decode('utf-8', 'replace')): where[name.strip()] = file
sockets = [each.get('file') for each in getattr(options, 'server_configs', None) or [] if each.get('file')]
out(files=files, log=options.logfile, socket=sockets[0] if sockets else None)
def plain(value):
    if callable(value): return 'auto'
    if value is None: return 'none'
    if isinstance(value, (bool, str)): return value
    if isinstance(value, (list, tuple)): return [plain(each) for each in value]
    try: return int(value)
    except (TypeError, ValueError): return str(value)
FIELDS = ('autostart directory uid command exitcodes killasgroup redirect_stderr startretries startsecs stdout_logfile '
  'stdout_logfile_backups stdout_logfile_maxbytes stderr_logfile stderr_logfile_backups stderr_logfile_maxbytes '
  'stopsignal stopwaitsecs').split()
NAMES = '@NAMES@'.split()
PLACE = re.compile(r'(?:(?:\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-fA-F:.]{2,45}\]|localhost|\*)?:)?\d{1,5}\Z')
def places(config):
    named = (config.environment or {}).items()
    return dict((key, value) for key, value in named if key in NAMES and PLACE.match(str(value)))
running = dict((run.rsplit('=', 2)[0], run.rsplit('=', 2)[1:]) for run in runs if run.count('=') >= 2)
# When the daemon began, by proc_pid_stat(5); what it read by then is not older.
def daemon_began():
    stat, boot = bytes_of('/proc/%s/stat' % pid), re.search(rb'(?m)^btime (\d+)', bytes_of('/proc/stat') or b'')
    if not stat or not boot: return None
    return int(boot.group(1)) + int(stat.rpartition(b') ')[2].split()[19]) / float(os.sysconf('SC_CLK_TCK'))
began = daemon_began()
def differs(config, file, process, start):
    written = os.path.getmtime(file)
    if written <= min(float(start), began or float(start)) + 1: return []
    found = []
    shown = (bytes_of('/proc/%s/cmdline' % process) or b'').decode('utf-8', 'replace').split('\0')[:-1]
    wanted = shlex.split(config.command)
    name, names = os.path.basename(wanted[0]), [os.path.basename(word) for word in shown[:2]]
    seen = bytes_of('/proc/%s/environ' % process)
    # What a wrapper has started has the variables that the wrapper gave it.
    if seen and (name in names or written > float(start) + 1):
        seen = pairs(seen)
        found += sorted(key for key, value in (config.environment or {}).items() if seen.get(key) != value)
    # Only of a process that still has the title with which it was started.
    if name in names and shown[1 + names.index(name):] != wanted[1:]: found.append('command')
    return found
for group in options.process_group_configs:
    for config in group.process_configs:
        name = group.name + ':' + config.name
        file = where.get(config.name) or where.get(group.name) or next(
            (found for key, found in sorted(where.items(), reverse=True) if config.name.startswith(key)), conf)
        again = getattr(getattr(config, 'autorestart', None), '__name__', '')
        try: changed = differs(config, file, *running[name]) if name in running else []
        except Exception: changed = []
        out(group=group.name, name=config.name, file=file, changed=changed, places=places(config),
            again={'RestartUnconditionally': 'always', 'RestartWhenExitUnexpected': 'on-failure'}.get(again, 'no'),
            fields=dict((key, plain(getattr(config, key))) for key in FIELDS if hasattr(config, key)))
""".replace("@NAMES@", VARIABLES)
