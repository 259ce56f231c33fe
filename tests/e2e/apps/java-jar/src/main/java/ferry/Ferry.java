package ferry;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Tells when the ferry leaves, and takes bookings. */
public class Ferry {
    private static final Path BOOKINGS = Path.of("bookings", "all.txt");

    public static void main(String[] arguments) throws IOException {
        Files.createDirectories(BOOKINGS.getParent());
        HttpServer server = HttpServer.create(new InetSocketAddress(8080), 0);
        server.createContext("/health", exchange -> answer(exchange, 200, "afloat"));
        server.createContext("/timetable", exchange -> answer(exchange, 200, Files.readString(Path.of("timetables", "summer.txt"))));
        server.createContext("/bookings", Ferry::book);
        server.createContext("/", exchange -> answer(exchange, 200, greeting()));
        server.start();
    }

    private static void book(HttpExchange exchange) throws IOException {
        if (exchange.getRequestMethod().equals("POST")) {
            byte[] line = (new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8) + "\n").getBytes(StandardCharsets.UTF_8);
            Files.write(BOOKINGS, line, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        }
        answer(exchange, 200, Files.exists(BOOKINGS) ? Files.readString(BOOKINGS) : "none");
    }

    private static String greeting() throws IOException {
        try (InputStream text = Ferry.class.getResourceAsStream("/greeting.txt")) {
            return new String(text.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    private static void answer(HttpExchange exchange, int status, String body) throws IOException {
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(status, bytes.length);
        exchange.getResponseBody().write(bytes);
        exchange.close();
    }
}
