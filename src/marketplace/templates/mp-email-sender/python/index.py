import os
import re
import smtplib
import socket
import ssl
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid

ENV = os.environ
ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
NAMED = re.compile(r"([^<>]*)<([^<>]*)>")
CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")
TIMEOUT_MS = int(ENV["TIMEOUT_MS"])


class Refusal(Exception):
    def __init__(self, status, code, message, **more):
        super().__init__(message)
        self.answer = {"statusCode": status, "body": {"error": message, "code": code, **more}}


def wrong(field, rule):
    return Refusal(400, "bad_request", f"`{field}` {rule}", field=field)


def line(field, value):
    if not isinstance(value, str) or CONTROL.search(value):
        raise wrong(field, "must be text without line ends and other control characters")
    return value


def address(field, value):
    value = line(field, value).strip()
    named = NAMED.fullmatch(value)
    name, plain = (named[1].strip().strip('"'), named[2].strip()) if named else ("", value)
    if not ADDRESS.fullmatch(plain):
        raise wrong(field, "must be an address such as ada@example.com or Ada <ada@example.com>, in ASCII")
    return Address(name, addr_spec=plain)


def addresses(field, value):
    values = [] if value is None else value if isinstance(value, list) else [value]
    found = [address(field, one) for one in values]
    domains = [domain.strip().lower() for domain in ENV.get("ALLOWED_DOMAINS", "").split(",") if domain.strip()]
    for one in found:
        if domains and one.domain.lower() not in domains:
            raise wrong(field, f"may have addresses at {', '.join(domains)} only")
    return found


def compose(mail):
    """The message, and everyone who is to get it."""
    sender = address("MAIL_FROM", ENV["MAIL_FROM"])
    people = {field: addresses(field, mail.get(field)) for field in ("to", "cc", "bcc")}
    everyone = list(dict.fromkeys(one.addr_spec for group in people.values() for one in group))
    if not everyone:
        raise wrong("to", "must name at least one recipient")
    if len(everyone) > int(ENV["MAX_RECIPIENTS"]):
        raise wrong("to", f"has more than {ENV['MAX_RECIPIENTS']} recipients, with cc and bcc")
    texts = {field: mail[field] for field in ("text", "html") if mail.get(field)}
    if not texts or not all(isinstance(text, str) for text in texts.values()):
        raise wrong("text", "or `html` must be there, as text")
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    for field in ("to", "cc"):
        if people[field]:
            message[field.title()] = people[field]
    if mail.get("replyTo") is not None:
        message["Reply-To"] = address("replyTo", mail["replyTo"])
    message["Subject"] = line("subject", mail.get("subject", ""))
    message["Date"] = formatdate()
    message["Message-ID"] = make_msgid(domain=sender.domain)
    if "text" in texts:
        message.set_content(texts["text"])
    if "html" in texts and "text" in texts:
        message.add_alternative(texts["html"], subtype="html")
    elif "html" in texts:
        message.set_content(texts["html"], subtype="html")
    return message, sender.addr_spec, everyone


def connect():
    host, port, security = ENV["SMTP_HOST"], int(ENV["SMTP_PORT"]), ENV["SMTP_SECURITY"]
    tls = ssl.create_default_context(cadata=ENV.get("SMTP_CA") or None)
    if security == "tls":
        return smtplib.SMTP_SSL(host, port, timeout=TIMEOUT_MS / 1000, context=tls)
    server = smtplib.SMTP(host, port, timeout=TIMEOUT_MS / 1000)
    if security == "starttls":
        server.starttls(context=tls)
    return server


def deliver(message, sender, everyone):
    server = connect()
    try:
        if ENV.get("SMTP_USER"):
            if ENV["SMTP_SECURITY"] == "none":
                raise Refusal(500, "smtp_auth", "A password is sent over encrypted connections only: set SMTP_SECURITY")
            server.login(ENV["SMTP_USER"], ENV.get("SMTP_PASSWORD", ""))
        server.ehlo_or_helo_if_needed()
        code, said = server.mail(sender)
        if code != 250:
            raise smtplib.SMTPSenderRefused(code, said, sender)
        rejected = []
        for one in everyone:
            code, said = server.rcpt(one)
            if code not in (250, 251):
                rejected.append({"address": one, "reason": f"{code} {said.decode(errors='replace')}"})
        if len(rejected) == len(everyone):
            server.rset()
            raise Refusal(422, "all_rejected", "The server refuses every recipient", rejected=rejected)
        code, said = server.data(message.as_bytes())
        if code != 250:
            raise smtplib.SMTPDataError(code, said)
        refused = {one["address"] for one in rejected}
        return [one for one in everyone if one not in refused], rejected
    finally:
        try:
            server.quit()
        except (OSError, smtplib.SMTPException):
            server.close()


def handler(event, context):
    try:
        mail = event.get("body")
        if not isinstance(mail, dict):
            raise Refusal(400, "bad_request", "The body must be an object: {to, subject, text}")
        message, sender, everyone = compose(mail)
        accepted, rejected = deliver(message, sender, everyone)
        print(f"sent {message['Message-ID']} to {len(accepted)} of {len(everyone)}")
        return {"statusCode": 200, "body": {"messageId": message["Message-ID"], "accepted": accepted, "rejected": rejected}}
    except Refusal as refusal:
        return refusal.answer
    except smtplib.SMTPAuthenticationError as error:
        code, text, status = "smtp_auth", "The server does not take user and password", 502
        print(f"{text}: {error}")
    except smtplib.SMTPServerDisconnected as error:
        late = isinstance(error.__context__, TimeoutError)
        code, text, status = ("smtp_timeout", "The server is too slow", 504) if late else ("smtp_unreachable", "The server hung up", 502)
        print(f"{text}: {error}")
    except smtplib.SMTPException as error:
        code, text, status = "smtp_refused", f"The server refuses: {error}", 502
        print(text)
    except (TimeoutError, socket.timeout) as error:
        code, text, status = "smtp_timeout", f"The server did not answer within {TIMEOUT_MS} ms", 504
        print(f"{text}: {error!r}")
    except OSError as error:
        code, text, status = "smtp_unreachable", f"The server cannot be reached: {error}", 502
        print(text)
    return {"statusCode": status, "body": {"error": text, "code": code}}
