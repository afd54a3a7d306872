package dev.qdistill.cluster;

import dev.qdistill.keystore.Durable;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.CreateFlag;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocalFileSystem;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.spark.SparkEnv;
import org.apache.spark.deploy.SparkHadoopUtil;

/** Files with keys on Hadoop file systems: mode 0600, no checksum of them beside them, wiped where a file can be. */
final class Files {
    private static final FsPermission FILE = new FsPermission((short) 0600);
    private static final FsPermission DIRECTORY = new FsPermission((short) 0700);

    private Files() {}

    /** The file system of a URI; of this machine's files the one without checksum files, which would tell of the keys. */
    static FileSystem system(String uri) throws IOException {
        Configuration configuration = SparkEnv.get() == null
                ? new Configuration()
                : SparkHadoopUtil.get().conf();
        FileSystem fs = FileSystem.get(URI.create(uri), configuration);
        return fs instanceof LocalFileSystem local ? local.getRawFileSystem() : fs;
    }

    /** Whether these are files of this machine. */
    static boolean isLocal(FileSystem fs) {
        return fs.getUri().getScheme().equals("file");
    }

    static void makePrivate(FileSystem fs, org.apache.hadoop.fs.Path directory) throws IOException {
        fs.mkdirs(directory, DIRECTORY);
        fs.setPermission(directory, DIRECTORY);
    }

    static FSDataOutputStream createPrivate(FileSystem fs, org.apache.hadoop.fs.Path file) throws IOException {
        return fs.create(
                file,
                FILE,
                java.util.EnumSet.of(CreateFlag.CREATE, CreateFlag.OVERWRITE),
                1 << 16,
                fs.getDefaultReplication(file),
                fs.getDefaultBlockSize(file),
                null,
                null);
    }

    /**
     * Makes a file if there is none; only one of several that try at the same time does.
     *
     * @return whether this call has made it
     */
    static boolean createNew(FileSystem fs, org.apache.hadoop.fs.Path file, String contents) throws IOException {
        byte[] bytes = contents.getBytes(StandardCharsets.UTF_8);
        try {
            if (isLocal(fs)) { // Hadoop's own looks first and makes it afterwards
                Path path = Path.of(file.toUri().getPath());
                java.nio.file.Files.createFile(path, Durable.ownerOnly(path, "rw-------"));
                java.nio.file.Files.write(path, bytes);
                return true;
            }
            try (FSDataOutputStream to = fs.create(file, false)) {
                to.write(bytes);
            }
            return true;
        } catch (java.nio.file.FileAlreadyExistsException | org.apache.hadoop.fs.FileAlreadyExistsException e) {
            return false;
        }
    }

    /** Removes a directory with keys; on this machine's disks they are overwritten first. */
    static void remove(FileSystem fs, org.apache.hadoop.fs.Path directory) throws IOException {
        if (!fs.exists(directory)) {
            return;
        }
        for (FileStatus status : fs.listStatus(directory)) {
            if (status.isDirectory()) {
                remove(fs, status.getPath());
            } else if (isLocal(fs)) {
                Durable.wipe(Path.of(status.getPath().toUri().getPath()), 0);
            }
        }
        fs.delete(directory, true);
    }
}
