package checkpoint

// Owner does nothing on Windows, where a file inherits the rights of its folder.
type Owner struct{}

// OwnerOf finds nothing out.
func OwnerOf(string) Owner { return Owner{} }

// Keep changes nothing.
func (Owner) Keep() error { return nil }
