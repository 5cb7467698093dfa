"""What the original cs372 clients do, written from the description alone.

usage: original_client.py cs372 HOST PORT -l|-g [FILE] DATA_PORT
       original_client.py cs372-login HOST PORT USER PASSWORD -l|-g [FILE] DATA_PORT

Writes what comes over the data connection to stdout.
"""
import socket
import sys
import time


def listen(port):
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("", port))
    server.listen(1)
    data, _ = server.accept()
    server.close()
    return data


def cs372(host, port, command, *rest):
    *file, data_port = rest
    control = socket.create_connection((host, int(port)))
    for message in [command, data_port, "127.0.0.1", *file]:
        control.send(message.encode())
        assert control.recv(1024) == b"OK"
    time.sleep(1)
    data = listen(int(data_port))
    while part := data.recv(1024):
        sys.stdout.buffer.write(part)
    control.close()


def cs372_login(host, port, user, password, *request):
    control = socket.create_connection((host, int(port)))
    control.send(user.encode())
    time.sleep(1)
    control.send(password.encode())
    answer = control.recv(1024)
    if answer != b"Match":
        print(answer.decode())
        return
    control.send(" ".join(request).encode())
    answer = control.recv(1024)
    if answer != b"Command recognized":
        print(answer.decode())
        return
    data = listen(int(request[-1]))
    if request[0] == "-g":
        answer = control.recv(1024)
        if answer != b"FILE CORRECT":
            print(answer.decode())
            return
    while True:
        part = data.recv(1024)
        if not part or b"endOfInput" in part:
            return
        if request[0] == "-g":
            sys.stdout.buffer.write(part.split(b"\0")[0])
        else:
            print(part.decode())


kind, *arguments = sys.argv[1:]
{"cs372": cs372, "cs372-login": cs372_login}[kind](*arguments)
