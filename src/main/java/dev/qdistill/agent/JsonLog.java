package dev.qdistill.agent;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.logging.ConsoleHandler;
import java.util.logging.Formatter;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.regex.Pattern;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * The agent's log: one JSON object a line on the standard error stream, of its own and its libraries' messages. Nothing
 * secret is ever given to a logger.
 */
public final class JsonLog extends Formatter {
    private static final Pattern OWN = Pattern.compile("dev\\.qdistill\\.");

    private JsonLog() {}

    /** Sends all logging of this process this way. */
    public static void install(System.Logger.Level level) {
        Logger root = Logger.getLogger("");
        for (Handler handler : root.getHandlers()) {
            root.removeHandler(handler);
        }
        Handler console = new ConsoleHandler();
        console.setFormatter(new JsonLog());
        console.setLevel(Level.ALL);
        root.addHandler(console);
        root.setLevel(julLevel(level));
        // What a library says of its own doings is of no use to the operator.
        console.setFilter(logged -> logged.getLevel().intValue() >= Level.WARNING.intValue()
                || OWN.matcher(String.valueOf(logged.getLoggerName())).lookingAt());
    }

    /** Writes one message past all loggers: while the JVM stops they are gone. */
    public static void last(String message) {
        LogRecord logged = new LogRecord(Level.INFO, message);
        logged.setLoggerName(JsonLog.class.getPackageName());
        System.err.print(line(logged));
        System.err.flush();
    }

    private static Level julLevel(System.Logger.Level level) {
        return switch (level) {
            case ALL -> Level.ALL;
            case TRACE -> Level.FINER;
            case DEBUG -> Level.FINE;
            case INFO -> Level.INFO;
            case WARNING -> Level.WARNING;
            case ERROR -> Level.SEVERE;
            case OFF -> Level.OFF;
        };
    }

    /** A message as it is written. */
    static String line(LogRecord logged) {
        return new JsonLog().format(logged);
    }

    @Override
    public String format(LogRecord logged) {
        ObjectNode line = JsonMapper.shared()
                .createObjectNode()
                .put("time", logged.getInstant().toString())
                .put("level", level(logged.getLevel()))
                .put("logger", logged.getLoggerName())
                .put("thread", logged.getLongThreadID())
                .put("message", formatMessage(logged));
        Throwable thrown = logged.getThrown();
        if (thrown != null) {
            StringWriter trace = new StringWriter();
            thrown.printStackTrace(new PrintWriter(trace));
            line.put("exception", trace.toString());
        }
        return line + "\n";
    }

    private static String level(Level level) {
        return level.intValue() >= Level.SEVERE.intValue()
                ? "error"
                : level.intValue() >= Level.WARNING.intValue()
                        ? "warning"
                        : level.intValue() >= Level.INFO.intValue() ? "info" : "debug";
    }
}
