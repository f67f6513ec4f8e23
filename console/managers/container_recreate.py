"""The program that makes a container again from another image, on its host: no value of its environment leaves that."""

# Arguments: VERB NAME LIVE IMAGE WANTED TOOL...: the container, the identity of the image that it is to run now, the
# image that it gets (empty: one that is built meanwhile) and the identity that this has to have. It speaks to the
# engine through its own command line, so with the same rights and over the same way as everything else. What an engine
# answers may quote a value: those are masked.
#   look    nothing stands in the way
#   make    NAME becomes NAME.former and goes on; a new container of that name is made from the image, not started
#   unmake  the undo: the new one is removed, the former one gets its name back
RECREATE = r"""
import http.client, json, subprocess, sys
from urllib.parse import quote
verb, name, live, image, identity = sys.argv[1:6]
tool = sys.argv[6:]
kept, fresh = name + '.former', name + '.next'
secret = []
def end(why):
    for value in sorted(secret, key=len, reverse=True): why = why.replace(value, '********')
    sys.exit(' '.join(why.split()))
class Pipe(object):
    def __init__(self, stream): self.stream = stream
    def makefile(self, *words): return self.stream
def call(method, path, body=None):
    data = b'' if body is None else json.dumps(body).encode()
    head = '%s %s HTTP/1.1\r\nHost: engine\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: %d'
    pipe = subprocess.PIPE
    run = subprocess.Popen(tool + ['system', 'dial-stdio'], stdin=pipe, stdout=pipe, stderr=pipe)
    try:
        run.stdin.write((head % (method, path, len(data))).encode() + b'\r\n\r\n' + data)
        run.stdin.flush()
        answer = http.client.HTTPResponse(Pipe(run.stdout), method=method)
        answer.begin()
        said = answer.read()
        # Not before: the end of its input is the end of the question for an engine.
        run.stdin.close()
    except (OSError, http.client.HTTPException) as error:
        why = run.communicate()[1].decode('utf-8', 'replace') or type(error).__name__
        end('the engine gave no answer through %s system dial-stdio: %s' % (' '.join(tool), why[:300]))
    run.stderr.read()
    run.wait()
    try: told = json.loads(said.decode('utf-8', 'replace') or 'null')
    except ValueError: told = None
    return answer.status, told
def ask(method, path, body=None):
    status, told = call(method, path, body)
    if status >= 300: end('%s' % (told or {}).get('message', 'the engine says %d to %s' % (status, path)))
    return told
def container(which):
    status, told = call('GET', '/containers/%s/json' % quote(which))
    if status == 404: return None
    if status >= 300: end('%s' % (told or {}).get('message', 'the engine says %d' % status))
    secret.extend(one.partition('=')[2] for one in told['Config'].get('Env') or [] if len(one.partition('=')[2]) > 3)
    return told
def without(given, base):
    return dict((key, value) for key, value in (given or {}).items() if key not in base or base[key] != value)
def binds(old, host):
    # What a volume without a name holds goes with the service, as its named ones do.
    found, held = list(host.get('Binds') or []), set()
    for one in found: held.add(one.split(':')[1] if ':' in one else one)
    places = dict((one.get('Destination'), one) for one in old.get('Mounts') or [] if one.get('Type') == 'volume')
    for one in host.get('Mounts') or []:
        held.add(one.get('Target'))
        if one.get('Type') == 'volume' and not one.get('Source') and one.get('Target') in places:
            one['Source'] = places[one['Target']]['Name']
    for place, one in sorted(places.items()):
        if place not in held: found.append('%s:%s%s' % (one['Name'], place, '' if one.get('RW', True) else ':ro'))
    return found
def endpoint(told, own):
    # Addresses that nobody asked for are given anew.
    found = dict((key, told[key]) for key in ('IPAMConfig', 'Links', 'DriverOpts', 'GwPriority') if told.get(key))
    found['Aliases'] = [one for one in told.get('Aliases') or [] if one != own]
    return found
def wanted(old, base):
    config, host, own = old['Config'], dict(old['HostConfig']), old['Id'][:12]
    body = dict(config, Image=image)
    body['Env'] = [one for one in config.get('Env') or [] if one not in (base.get('Env') or [])]
    for key in ('User', 'WorkingDir', 'StopSignal', 'Shell', 'Healthcheck', 'OnBuild', 'ArgsEscaped'):
        if config.get(key) == base.get(key): body.pop(key, None)
    # An entrypoint that was given takes the image's command away: then the command was given too.
    if config.get('Entrypoint') == base.get('Entrypoint'):
        body.pop('Entrypoint', None)
        if config.get('Cmd') == base.get('Cmd'): body.pop('Cmd', None)
    body['Labels'] = without(config.get('Labels'), base.get('Labels') or {})
    for key in ('ExposedPorts', 'Volumes'):
        body[key] = dict((one, {}) for one in config.get(key) or {} if one not in (base.get(key) or {}))
    mode = host.get('NetworkMode') or 'default'
    borrowed = mode == 'host' or mode.startswith('container:')
    if borrowed or host.get('UTSMode') == 'host' or config.get('Hostname') == own: body.pop('Hostname', None)
    if borrowed or host.get('UTSMode') == 'host': body.pop('Domainname', None)
    host['Binds'] = binds(old, host)
    if host.get('Links'):
        pairs = [one.split(':', 1) for one in host['Links']]
        host['Links'] = ['%s:%s' % (one.lstrip('/'), other.rsplit('/', 1)[-1]) for one, other in pairs]
    body['HostConfig'] = host
    networks = {} if borrowed or mode == 'none' else old['NetworkSettings'].get('Networks') or {}
    first = next((key for key, told in networks.items() if mode in (key, told.get('NetworkID'))), None)
    if first is not None: body['NetworkingConfig'] = {'EndpointsConfig': {first: endpoint(networks[first], own)}}
    rest = dict((key, endpoint(told, own)) for key, told in networks.items()
                if key != first and not (mode == 'default' and key == 'bridge'))
    return body, rest
def target():
    status, found = call('GET', '/images/%s/json' % quote(image))
    if status >= 300: end('image %s is not there' % image)
    if not found['Id'].rpartition(':')[2].startswith(identity): end('%s is another image by now' % image)
    return found
def remove(ident): call('DELETE', '/containers/%s?force=1&v=1' % ident)
def look():
    old = container(name) or end('there is no container %s' % name)
    labels, runs = old['Config'].get('Labels') or {}, old['Image'].rpartition(':')[2]
    if not runs.startswith(live): end('%s runs %s by now, not %s: somebody changed it' % (name, runs[:12], live))
    if labels.get('com.docker.compose.project'): end('%s was made by Compose, through which it is changed' % name)
    if labels.get('com.docker.swarm.service.id'): end('%s is a task of a swarm: docker service update' % name)
    if old['HostConfig'].get('AutoRemove'): end('%s was made with --rm: it is removed when it ends' % name)
    for other in (kept, fresh):
        if container(other): end('%s is there, which an earlier change has left: look at it and remove it' % other)
    status, base = call('GET', '/images/%s/json' % quote(old['Image']))
    if status >= 300: end('the image of %s is gone: what it was given beside that cannot be told' % name)
    found = target() if image else base
    for key in ('Os', 'Architecture'):
        if found.get(key) != base.get(key): end('image %s is for another machine: %s' % (image, found.get(key)))
    print('%s runs %s' % (name, runs[:12]))
def make():
    old = container(name) or end('there is no container %s' % name)
    if not old['Image'].rpartition(':')[2].startswith(live): end('%s was changed meanwhile' % name)
    target()
    body, rest = wanted(old, ask('GET', '/images/%s/json' % quote(old['Image']))['Config'] or {})
    made = ask('POST', '/containers/create?name=' + quote(fresh), body)['Id']
    try:
        for network, told in sorted(rest.items()):
            ask('POST', '/networks/%s/connect' % quote(network), {'Container': made, 'EndpointConfig': told})
        ask('POST', '/containers/%s/rename?name=%s' % (old['Id'], quote(kept)))
        ask('POST', '/containers/%s/rename?name=%s' % (made, quote(name)))
    except SystemExit:
        remove(made)
        if not container(name): call('POST', '/containers/%s/rename?name=%s' % (old['Id'], quote(name)))
        raise
    print('%s was made again from %s as %s; the former one is %s' % (name, image, made[:12], kept))
def unmake():
    left = container(fresh)
    if left: remove(left['Id'])
    old = container(kept)
    if old:
        new = container(name)
        if new: remove(new['Id'])
        ask('POST', '/containers/%s/rename?name=%s' % (old['Id'], quote(name)))
    print('%s is the former one' % name)
{'look': look, 'make': make, 'unmake': unmake}[verb]()
"""

WITH_PYTHON = (
    r"""
command -v python3 >/dev/null 2>&1 ||
  { echo "python3 is not on this host: without it a container cannot be made again with the same options"; exit 1; }
exec python3 -I - "$@" <<'PROGRAM'
"""
    + RECREATE
    + "PROGRAM\n"
)
"""VERB NAME LIVE IMAGE WANTED TOOL..."""
