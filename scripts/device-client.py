#!/usr/bin/env python3
"""Sends a dump to an agent's device socket, prints the blocks' results, fetches a key: device-client.py SOCKET LINK FILE

Once, to make the stubs (in a directory that is in PYTHONPATH, such as the working directory):
  pip install grpcio grpcio-tools
  python -m grpc_tools.protoc -I src/main/proto --python_out=. --grpc_python_out=. qdistill/v1/device.proto
"""
import sys

import grpc
from qdistill.v1 import device_pb2 as v1
from qdistill.v1 import device_pb2_grpc

socket, link, file = sys.argv[1:]
agent = device_pb2_grpc.DeviceStub(grpc.insecure_channel("unix:" + socket))


def session():
    yield v1.SendRequest(start=v1.SendStart(link=link))
    with open(file, "rb") as dump:
        while data := dump.read(1 << 18):
            yield v1.SendRequest(data=data)


try:
    print(agent.Send(session()))
    print(agent.Status(v1.StatusRequest(link=link)).links[0].last_blocks)
    key = agent.NewKeys(v1.NewKeysRequest(link=link, size=256)).keys[0]
    print("key", key.key_id, "of", 8 * len(key.key), "bits")  # the other site gets the same by KeysById
except grpc.RpcError as e:
    sys.exit(f"{e.code().name}: {e.details()}")
