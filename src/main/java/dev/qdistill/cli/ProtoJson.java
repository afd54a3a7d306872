package dev.qdistill.cli;

import com.google.protobuf.ByteString;
import com.google.protobuf.Descriptors.EnumValueDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Messages as JSON objects: every field by its JSON name, values of enums as numbers, 64-bit numbers as numbers. */
final class ProtoJson {
    private ProtoJson() {}

    static Map<String, Object> of(Message message) {
        Map<String, Object> object = new LinkedHashMap<>();
        for (FieldDescriptor field : message.getDescriptorForType().getFields()) {
            if (!field.hasPresence() || message.hasField(field)) {
                object.put(field.getJsonName(), value(message.getField(field)));
            }
        }
        return object;
    }

    private static Object value(Object value) {
        return switch (value) {
            case Message m -> of(m);
            case List<?> list -> list.stream().map(ProtoJson::value).toList();
            case EnumValueDescriptor e -> e.getNumber();
            case ByteString b -> Base64.getEncoder().encodeToString(b.toByteArray());
            default -> value;
        };
    }
}
