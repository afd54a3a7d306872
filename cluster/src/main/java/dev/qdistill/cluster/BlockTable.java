package dev.qdistill.cluster;

import dev.qdistill.link.Stage;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.example.data.simple.SimpleGroupFactory;
import org.apache.parquet.hadoop.ParquetFileWriter;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.hadoop.example.ExampleParquetWriter;
import org.apache.parquet.hadoop.util.HadoopOutputFile;
import org.apache.parquet.schema.LogicalTypeAnnotation;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName;
import org.apache.parquet.schema.Types;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * What is known of all blocks of a batch, without secrets, as one Parquet file: a row for each block. Written by the driver itself;
 * Spark SQL, which would do it too, takes two seconds for its start.
 */
final class BlockTable {
    /** Of a block's report, under the same names: numbers of bits or detections, and ratios. */
    static final List<String> COUNTS =
            List.of("detections", "siftedBits", "keyBasisBits", "testBasisBits", "leakedBits", "secretBits");

    static final List<String> RATIOS = List.of("keyBasisQber", "testBasisQber", "efficiency");

    private static final List<String> TEXTS = List.of("pair", "link", "session", "keyId", "problem", "executor");

    private static final List<String> TIMES = Stream.concat(
                    Stream.of("seconds"), Arrays.stream(Stage.values()).map(BlockTable::seconds))
            .toList();

    private BlockTable() {}

    /** The name of the column with a stage's time. */
    static String seconds(Stage stage) {
        return stage.id() + "Seconds";
    }

    private static MessageType type() {
        Types.MessageTypeBuilder type = Types.buildMessage();
        for (String name : TEXTS) {
            type.required(PrimitiveTypeName.BINARY)
                    .as(LogicalTypeAnnotation.stringType())
                    .named(name);
        }
        type.required(PrimitiveTypeName.INT64).named("block");
        TIMES.forEach(name -> type.required(PrimitiveTypeName.DOUBLE).named(name));
        COUNTS.forEach(name -> type.required(PrimitiveTypeName.INT64).named(name));
        RATIOS.forEach(name -> type.required(PrimitiveTypeName.DOUBLE).named(name));
        return type.named("blocks");
    }

    /** Writes it in one step, whatever was there before; {@code pairs} are summaries as {@link Store} keeps them. */
    static void write(Path file, List<ObjectNode> pairs) throws IOException {
        Configuration configuration = Files.system(file.toString()).getConf();
        FileSystem fs = file.getFileSystem(configuration);
        Path temporary = new Path(file.getParent(), "." + file.getName() + ".tmp");
        MessageType type = type();
        SimpleGroupFactory groups = new SimpleGroupFactory(type);
        try (ParquetWriter<Group> to = ExampleParquetWriter.builder(HadoopOutputFile.fromPath(temporary, configuration))
                .withType(type)
                .withWriteMode(ParquetFileWriter.Mode.OVERWRITE)
                .build()) {
            for (ObjectNode pair : pairs) {
                for (JsonNode block : pair.path("blocks")) {
                    Group row = groups.newGroup();
                    row.add("pair", pair.path("name").asString(""));
                    for (String name : TEXTS.subList(1, TEXTS.size())) {
                        row.add(name, block.path(name).asString(""));
                    }
                    row.add("block", block.path("block").asLong());
                    TIMES.forEach(name -> row.add(name, block.path(name).asDouble()));
                    COUNTS.forEach(name -> row.add(name, block.path(name).asLong()));
                    RATIOS.forEach(name -> row.add(name, block.path(name).asDouble()));
                    to.write(row);
                }
            }
        }
        fs.delete(file, true); // a directory if an earlier version wrote it
        if (!fs.rename(temporary, file)) {
            throw new IOException(temporary + " cannot be renamed to " + file);
        }
    }
}
