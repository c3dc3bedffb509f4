// The hub of gorilla/websocket's chat example, one for each room: a goroutine for the hub, two for each client.
//
//	gorilla PORT each     every message is a frame of its own
//	gorilla PORT joined   as the example does it: what is queued for a client goes out as one frame, line by line
package main

import (
	"log"
	"net/http"
	"os"
	"sync"

	"github.com/gorilla/websocket"
)

type client struct {
	conn *websocket.Conn
	send chan []byte
}

type hub struct {
	clients              map[*client]bool
	broadcast            chan []byte
	register, unregister chan *client
}

var upgrader = websocket.Upgrader{ReadBufferSize: 1024, WriteBufferSize: 1024}
var hubs = map[string]*hub{}
var mutex sync.Mutex

func hubOf(room string) *hub {
	mutex.Lock()
	defer mutex.Unlock()
	h := hubs[room]
	if h == nil {
		h = &hub{map[*client]bool{}, make(chan []byte), make(chan *client), make(chan *client)}
		hubs[room] = h
		go h.run()
	}
	return h
}

func (h *hub) run() {
	for {
		select {
		case c := <-h.register:
			h.clients[c] = true
		case c := <-h.unregister:
			if h.clients[c] {
				delete(h.clients, c)
				close(c.send)
			}
		case message := <-h.broadcast:
			for c := range h.clients {
				select {
				case c.send <- message:
				default:
					close(c.send)
					delete(h.clients, c)
				}
			}
		}
	}
}

func (c *client) read(h *hub) {
	defer func() { h.unregister <- c; c.conn.Close() }()
	for {
		_, message, err := c.conn.ReadMessage()
		if err != nil {
			return
		}
		h.broadcast <- message
	}
}

func (c *client) write(joined bool) {
	defer c.conn.Close()
	for message := range c.send {
		w, err := c.conn.NextWriter(websocket.TextMessage)
		if err != nil {
			return
		}
		w.Write(message)
		for n := len(c.send); joined && n > 0; n-- {
			w.Write([]byte{'\n'})
			w.Write(<-c.send)
		}
		if w.Close() != nil {
			return
		}
	}
}

func serve(w http.ResponseWriter, r *http.Request) {
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	// The example's queue of 256; a client that is further behind is disconnected.
	c, h := &client{conn, make(chan []byte, 256)}, hubOf(r.URL.Path)
	h.register <- c
	go c.write(os.Args[2] == "joined")
	c.read(h)
}

func main() {
	http.HandleFunc("/ws/", serve)
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Args[1], nil))
}
