import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { DescEnum, DescField, DescFile, DescMessage } from '@bufbuild/protobuf';
import { ScalarType } from '@bufbuild/protobuf';
import protobuf from 'protobufjs';
import { file_asof_v1_features } from '../../src/http/rpc/generated/asof/v1/features_pb.ts';
import { file_grpc_health_v1_health } from '../../src/http/rpc/generated/grpc/health/v1/health_pb.ts';

const FILES: readonly (readonly [string, DescFile])[] = [
  ['asof/v1/features.proto', file_asof_v1_features],
  ['grpc/health/v1/health.proto', file_grpc_health_v1_health],
];

function parsed(path: string): protobuf.Root {
  const text = readFileSync(join(import.meta.dirname, '../../proto', path), 'utf8');
  return protobuf.parse(text, { keepCase: true, alternateCommentMode: true }).root;
}

for (const [path, descriptor] of FILES) {
  test(`what was generated from ${path} is what it says`, () => {
    const root = parsed(path);
    root.resolveAll();
    assert.deepEqual(shapeOfRoot(root), shapeOfDescriptor(descriptor));
  });

  test(`everything in ${path} is documented`, () => {
    const bare: string[] = [];
    const visit = (one: protobuf.ReflectionObject): void => {
      if (!(one instanceof protobuf.Root) && one.name !== '' && isDocumented(one)) {
        if ((one.comment ?? '').trim() === '') bare.push(one.fullName);
      }
      if (one instanceof protobuf.Enum) {
        for (const name of Object.keys(one.values)) {
          if ((one.comments[name] ?? '').trim() === '') bare.push(`${one.fullName}.${name}`);
        }
      }
      if (one instanceof protobuf.Type) one.fieldsArray.forEach(visit);
      if (one instanceof protobuf.Service) one.methodsArray.forEach(visit);
      if (one instanceof protobuf.Namespace) one.nestedArray.forEach(visit);
    };
    visit(parsed(path));
    assert.deepEqual(bare, []);
  });
}

/** Packages are documented by their files. */
function isDocumented(one: protobuf.ReflectionObject): boolean {
  return (
    one instanceof protobuf.Type ||
    one instanceof protobuf.Enum ||
    one instanceof protobuf.Field ||
    one instanceof protobuf.Service ||
    one instanceof protobuf.Method
  );
}

type Shape = Record<string, readonly string[]>;

function shapeOfRoot(root: protobuf.Root): Shape {
  const shape: Shape = {};
  const visit = (one: protobuf.ReflectionObject): void => {
    const name = one.fullName.slice(1);
    if (one instanceof protobuf.Enum) {
      shape[name] = Object.entries(one.values).map(([key, number]) => `${key} = ${number}`);
    } else if (one instanceof protobuf.Service) {
      shape[name] = one.methodsArray.map((method) => {
        const to = method.resolvedResponseType?.fullName.slice(1) ?? method.responseType;
        const from = method.resolvedRequestType?.fullName.slice(1) ?? method.requestType;
        const stream = method.responseStream === true ? 'stream ' : '';
        return `${method.name}(${from}) ${stream}${to}`;
      });
    } else if (one instanceof protobuf.Type) {
      shape[name] = one.fieldsArray.map(fieldText);
    }
    if (one instanceof protobuf.Namespace) one.nestedArray.forEach(visit);
  };
  visit(root);
  return sorted(shape);
}

function fieldText(field: protobuf.Field): string {
  const type = field.resolvedType?.fullName.slice(1) ?? field.type;
  const of = field.partOf;
  const isOptional = field.options?.proto3_optional === true;
  const oneof = of === null || isOptional ? '' : ` of ${of.name}`;
  const kind = field.repeated ? 'repeated ' : isOptional ? 'optional ' : '';
  return `${kind}${type} ${field.name} = ${field.id}${oneof}`;
}

function shapeOfDescriptor(file: DescFile): Shape {
  const shape: Shape = {};
  const visitEnum = (one: DescEnum): void => {
    shape[one.typeName] = one.values.map(({ name, number }) => `${name} = ${number}`);
  };
  const visit = (one: DescMessage): void => {
    shape[one.typeName] = one.fields.map(descriptorField);
    one.nestedEnums.forEach(visitEnum);
    one.nestedMessages.forEach(visit);
  };
  file.messages.forEach(visit);
  file.enums.forEach(visitEnum);
  for (const service of file.services) {
    shape[service.typeName] = service.methods.map(({ name, input, output, methodKind }) => {
      const stream = methodKind === 'server_streaming' ? 'stream ' : '';
      return `${name}(${input.typeName}) ${stream}${output.typeName}`;
    });
  }
  return sorted(shape);
}

function descriptorField(field: DescField): string {
  const isOptional = field.proto.proto3Optional;
  const oneof = field.oneof === undefined || isOptional ? '' : ` of ${field.oneof.name}`;
  const kind = field.fieldKind === 'list' ? 'repeated ' : isOptional ? 'optional ' : '';
  const type =
    field.message?.typeName ??
    field.enum?.typeName ??
    (field.scalar === undefined ? '' : ScalarType[field.scalar].toLowerCase());
  return `${kind}${type} ${field.name} = ${field.number}${oneof}`;
}

function sorted(shape: Shape): Shape {
  const entries = Object.entries(shape).map(([name, parts]) => [name, parts.toSorted()] as const);
  return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
