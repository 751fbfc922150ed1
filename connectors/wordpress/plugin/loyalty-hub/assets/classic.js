/**
 * The classic checkout: a choice is sent without leaving the page, so that what was typed stays.
 */
jQuery( function ( $ ) {
	$( document.body ).on( 'submit', 'form.loyalty-hub-form', function ( event ) {
		if ( ! $( 'form.checkout' ).length ) {
			return; // At the cart the page is shown anew.
		}
		event.preventDefault();
		const form = $( this );
		const button = form.find( 'button' ).prop( 'disabled', true );
		$.post( window.loyaltyHubClassic.url, form.serialize() ).always( function () {
			// WooCommerce makes the box anew only where it has changed (10.5.2, `checkout.js`), as it has not by a wrong code.
			button.prop( 'disabled', false );
			$( document.body ).trigger( 'update_checkout' );
		} );
	} );
} );
