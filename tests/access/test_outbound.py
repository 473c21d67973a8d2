"""The guarded way out: what it refuses, and that nothing gets around the refusal."""

import datetime as dt
import ipaddress
import socket
import ssl
import threading
from contextlib import contextmanager

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from access.addresses import denied, never, parse_allowed
from access.errors import TargetRefused, TargetUnreachable
from access.outbound import ANSWER_MAX_BYTES, Outbound, check_target
from tests.receiver import Receiver, Reply

PUBLIC = ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "::ffff:1.1.1.1", "2a00:1450:4001:82b::200e"]
INTERNAL = [
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.255.254",
    "172.16.0.1",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::101:101",
    "64:ff9b:1::1",
    "100::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:101:101::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd12:3456::1",
    "fec0::1",
    "ff02::1",
]
METADATA = [
    "169.254.169.254",
    "169.254.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
    "::169.254.169.254",
    "fe80::1",
    "fd00:ec2::254",
    "100.100.100.200",
    "192.0.0.192",
    "168.63.129.16",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_called(address):
    assert not denied(ipaddress.ip_address(address))
    assert not never(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", INTERNAL + METADATA[:2] + METADATA[3:10])
def test_what_is_not_on_the_public_internet_is_denied(address):
    assert denied(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", METADATA)
def test_metadata_addresses_are_refused_even_when_everything_is_allowed(address, settings):
    assert never(ipaddress.ip_address(address))
    settings.OUTBOUND_ALLOW = ["0.0.0.0/0", "::/0", f"[{address}]:80", f"{address}:80", "rebound.example:80"]
    literal = f"[{address}]" if ":" in address else address
    with pytest.raises(TargetRefused, match="No setting allows"):
        check_target(f"http://{literal}/latest/meta-data")
    with pytest.raises(TargetRefused, match="No setting allows"):
        post("http://rebound.example/", resolve=answering(address))


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://localhost/",
        "http://LOCALHOST./",
        "http://printer.localhost/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://127.1/",
        "http://0/",
        "http://[::1]/",
        "http://[::ffff:7f00:1]/",
        "https://10.1.2.3/",
    ],
)
def test_internal_literals_in_every_spelling_are_refused_when_somebody_saves_them(url):
    with pytest.raises(TargetRefused, match="OUTBOUND_ALLOW"):
        check_target(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hooks.example.com/x",
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://example.com/",
        "unix:///var/run/docker.sock",
        "http://",
        "http://user:secret@example.com/",
        "http://exa mple.com/",
        "http://[::1/",
        "http://0177.0.0.1/",
        "http://example.com:99999/",
        f"http://{'a' * 64}.example.com:22/",
    ],
)
def test_what_is_no_target_is_refused_with_a_sentence(url):
    with pytest.raises(TargetRefused) as refusal:
        check_target(url)
    assert "secret" not in refusal.value.message


def test_a_port_outside_the_list_is_refused_and_the_sentence_names_both_ways_out(settings):
    with pytest.raises(TargetRefused) as refusal:
        check_target("https://example.com:8443/hook?key=hidden")
    assert "OUTBOUND_PORTS" in refusal.value.message
    assert "OUTBOUND_ALLOW=example.com:8443" in refusal.value.message
    assert "hidden" not in refusal.value.message

    settings.OUTBOUND_PORTS = [443, 8443]
    assert check_target("https://example.com:8443/hook").port == 8443


def test_an_allowed_place_opens_its_port_and_its_address_and_nothing_else(settings):
    settings.OUTBOUND_ALLOW = ["127.0.0.1:9000", "hooks.internal:8080", "[::1]:9000", "10.20.0.0/16"]
    check_target("http://127.0.0.1:9000/")
    check_target("http://Hooks.Internal.:8080/")
    check_target("http://[::1]:9000/")
    check_target("http://10.20.30.40/")
    check_target("http://[::ffff:10.20.30.40]/")
    for closed in (
        "http://127.0.0.1:9001/",
        "http://127.0.0.1/",
        "http://10.21.0.1/",
        "http://10.20.0.1:81/",
    ):
        with pytest.raises(TargetRefused):
            check_target(closed)


@pytest.mark.parametrize("entry", ["internal", "10.0.0.0/33", "host:port", "::1:x"])
def test_an_unreadable_setting_is_named(entry):
    with pytest.raises(ValueError, match="OUTBOUND_ALLOW holds"):
        parse_allowed((entry,))


def answering(*answers):
    """A resolver that gives these addresses, one list per question."""
    left = [[answer] if isinstance(answer, str) else answer for answer in answers]

    def resolve(host, port):
        addresses = left.pop(0) if len(left) > 1 else left[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    return resolve


def post(url, body=b"{}", timeout=5.0, **options):
    with Outbound(timeout=timeout, **options) as outbound:
        return outbound.post(url, body=body, headers={"content-type": "application/json"})


def test_a_name_is_refused_when_any_of_its_addresses_is_internal(settings):
    settings.OUTBOUND_PORTS = [80]
    for addresses in (["10.0.0.1"], ["1.1.1.1", "127.0.0.1"], ["1.1.1.1", "2002:7f00:1::"]):
        with pytest.raises(TargetRefused, match=r"OUTBOUND_ALLOW=hooks\.example:80"):
            post("http://hooks.example/", resolve=answering(addresses))


def test_a_name_that_resolves_differently_the_second_time_reaches_nothing(settings):
    """DNS rebinding: judged and dialled is one resolution, so the second answer is never asked for."""
    with Receiver() as receiver:
        settings.OUTBOUND_PORTS = [receiver.port]
        questions = []

        def rebinding(host, port):
            questions.append(host)
            address = "203.0.113.7" if len(questions) > 1 else "127.0.0.1"
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

        with pytest.raises(TargetRefused):
            post(f"http://rebinding.example:{receiver.port}/", resolve=rebinding)
        assert questions == ["rebinding.example"]

        # The other order: the public answer that was judged is the one that is dialled.
        questions.clear()
        with pytest.raises((TargetRefused, TargetUnreachable)):
            post(
                f"http://rebinding.example:{receiver.port}/",
                timeout=0.3,
                resolve=answering("198.51.100.1", "127.0.0.1"),
            )
        assert receiver.received == []


def test_an_allowed_name_is_called_by_its_address_with_its_name_in_the_host_header(settings):
    with Receiver(lambda _: Reply(200, b"thanks")) as receiver:
        settings.OUTBOUND_ALLOW = [f"hooks.internal:{receiver.port}"]
        url = f"http://hooks.internal:{receiver.port}/a/b?c=d"
        answer = post(url, b'{"x":1}', resolve=answering("127.0.0.1"))

        assert (answer.status, answer.body, answer.address) == (200, b"thanks", "127.0.0.1")
        (received,) = receiver.received
        assert received.path == "/a/b?c=d"
        assert received.headers["host"] == f"hooks.internal:{receiver.port}"
        assert received.body == b'{"x":1}'


def test_the_next_address_is_tried_when_the_first_does_not_answer(settings):
    with Receiver() as receiver:
        settings.OUTBOUND_ALLOW = ["127.0.0.0/8"]
        settings.OUTBOUND_PORTS = [receiver.port]
        # Nobody listens on 127.0.0.2: the receiver is bound to 127.0.0.1.
        answer = post(f"http://two.example:{receiver.port}/", resolve=answering(["127.0.0.2", "127.0.0.1"]))
        assert answer.address == "127.0.0.1"


def test_redirects_are_not_followed_and_proxies_of_the_environment_not_used(settings, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9/")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9/")
    with Receiver(lambda _: Reply(302, headers={"Location": "http://169.254.169.254/"})) as receiver:
        settings.OUTBOUND_ALLOW = [receiver.place]
        answer = post(receiver.url)
        assert (answer.status, len(receiver.received)) == (302, 1)


def test_one_connection_serves_many_requests(settings):
    with Receiver() as receiver:
        settings.OUTBOUND_ALLOW = [f"hooks.internal:{receiver.port}"]
        dialled = []

        def counting(host, port):
            dialled.append(host)
            return answering("127.0.0.1")(host, port)

        with Outbound(resolve=counting) as outbound:
            for _ in range(5):
                outbound.post(f"http://hooks.internal:{receiver.port}/", body=b"", headers={})
        assert len(receiver.received) == 5
        assert dialled == ["hooks.internal"]


def test_a_kept_connection_that_the_receiver_closed_meanwhile_costs_nothing(settings):
    """The receiver hangs up on the second request of a connection without answering it."""
    seen = []

    def serve_one(connection):
        seen.append(connection.recv(65536))
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        seen.append(connection.recv(65536))

    def run():
        for _ in range(2):
            connection, _ = listener.accept()
            with connection:
                serve_one(connection)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=run, daemon=True).start()
        place = f"127.0.0.1:{listener.getsockname()[1]}"
        settings.OUTBOUND_ALLOW = [place]
        with Outbound(timeout=5) as outbound:
            statuses = [outbound.post(f"http://{place}/", body=b"", headers={}).status for _ in range(2)]
    assert statuses == [200, 200]
    # The first, the second that was dropped, and the second again on a new connection.
    assert len([request for request in seen if request]) == 3


def test_an_endless_answer_is_cut(settings):
    with Receiver(lambda _: Reply(200, b"x" * (ANSWER_MAX_BYTES * 20))) as receiver:
        settings.OUTBOUND_ALLOW = [receiver.place]
        assert post(receiver.url).body == b"x" * ANSWER_MAX_BYTES


@contextmanager
def misbehaving(serve):
    """A listener whose `serve(connection)` does what no HTTP server should."""
    listener = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()

    def run():
        connection, _ = listener.accept()
        with connection:
            serve(connection, ended)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{listener.getsockname()[1]}"
    finally:
        ended.set()
        thread.join(5)
        listener.close()


def trickle(connection, ended):
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    try:
        while not ended.wait(0.02):
            connection.sendall(b"x")
    except OSError:
        pass


def silence(connection, ended):
    connection.recv(65536)
    ended.wait()


def nonsense(connection, ended):
    connection.recv(65536)
    connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")


@pytest.mark.parametrize("serve", [trickle, silence, nonsense])
def test_a_receiver_that_trickles_is_silent_or_speaks_nonsense_ends_within_the_time(settings, serve):
    with misbehaving(serve) as place:
        settings.OUTBOUND_ALLOW = [place]
        # The receiver would go on for ever: that this comes back is the assertion.
        with pytest.raises(TargetUnreachable, match=place.replace(".", r"\.")):
            post(f"http://{place}/", timeout=0.4)


def test_nobody_listening_and_an_unknown_name_are_said_in_words(settings):
    listener = socket.create_server(("127.0.0.1", 0))
    place = f"127.0.0.1:{listener.getsockname()[1]}"
    listener.close()
    settings.OUTBOUND_ALLOW = [place]
    with pytest.raises(TargetUnreachable, match="refused") as nobody:
        post(f"http://{place}/")
    assert nobody.value.facts == {"address": "127.0.0.1"}

    def unknown(host, port):
        raise socket.gaierror(-2, "Name or service not known")

    with pytest.raises(TargetUnreachable, match="cannot be resolved"):
        post("http://nowhere.example/", resolve=unknown)


@contextmanager
def tls_receiver(tmp_path, name):
    """A receiver with a certificate for `name`, and the authority file that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "authority.pem"
    file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file = tmp_path / "key.pem"
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, key_file)
    names = []
    context.sni_callback = lambda _socket, asked, _context: names.append(asked)
    with Receiver() as receiver:
        receiver._server.socket = context.wrap_socket(receiver._server.socket, server_side=True)
        yield receiver, str(file), names


def test_https_checks_the_certificate_of_the_name_while_dialling_the_address(settings, tmp_path):
    with tls_receiver(tmp_path, "hooks.internal") as (receiver, authority, names):
        settings.OUTBOUND_ALLOW = ["127.0.0.0/8"]
        settings.OUTBOUND_PORTS = [receiver.port]
        settings.OUTBOUND_CA_FILE = authority
        url = f"https://hooks.internal:{receiver.port}/"
        assert post(url, resolve=answering("127.0.0.1")).status == 204
        assert names == ["hooks.internal"]

        with pytest.raises(TargetUnreachable, match="certificate"):
            post(url.replace("hooks.", "other."), resolve=answering("127.0.0.1"))
        settings.OUTBOUND_CA_FILE = ""
        with pytest.raises(TargetUnreachable, match="certificate"):
            post(url, resolve=answering("127.0.0.1"))
        assert len(receiver.received) == 1
