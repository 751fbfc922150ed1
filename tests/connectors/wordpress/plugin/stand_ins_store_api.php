<?php
/**
 * WooCommerce 10.5.2, `src/StoreApi/Exceptions/RouteException.php`.
 */

namespace Automattic\WooCommerce\StoreApi\Exceptions;

// phpcs:disable
class RouteException extends \Exception {
	public function __construct( public $error_code, $message, $http_status_code = 400, public $additional_data = array() ) {
		parent::__construct( $message, $http_status_code );
	}
	public function getErrorCode() { return $this->error_code; }
}
